/**
 * What operators said at run time (drains, weights, servers, a hold), kept by both routers: it lasts over failover and restart.
 *
 * Each entry stands for itself and carries a revision above all that its router knew, so that two routers that were cut
 * off from each other merge to the same whatever the order of the packets. While the digests differ each heartbeat
 * carries some entries, the newest first.
 */
import { createHash } from "node:crypto";
import { isTakenBack, orderText, type SharedEntry, type SharedSubject, sharedKey } from "../../model/shared-entry.ts";
import type { SharedReport } from "../../wire/heartbeat/heartbeat.ts";
import { fittingEntries } from "../../wire/heartbeat/heartbeat-shared.ts";
import type { State } from "../machine/state.ts";
import type { Shared } from "../machine/state-parts.ts";
import type { Turn } from "../machine/turn.ts";

/** Eleven thousand hold at most (balance/servers/drains.ts, kept-servers.ts); nearly as many that were taken back are remembered. */
const SHARED_LIMIT = 20_000;
/** A revision rises by one with each order: more than this is none, whoever says so. */
const REVISION_LIMIT = 2 ** 31;
/** A pair that differs in many entries tells of these in the log; the rest is in the status. */
const NOTICES_MAX = 3;

function entryDigest(entry: SharedEntry): bigint {
  const text = `${sharedKey(entry)} ${orderText(entry)} ${entry.revision} ${entry.by}`;
  return BigInt(`0x${createHash("sha256").update(text).digest("hex").slice(0, 16)}`);
}

function isNewer(entry: SharedEntry, known: SharedEntry | undefined): boolean {
  if (known === undefined || entry.revision !== known.revision) return entry.revision > (known?.revision ?? 0);
  return entry.by === "primary" && known.by === "backup";
}

function byAge(a: SharedEntry, b: SharedEntry): number {
  return b.revision - a.revision || sharedKey(a).localeCompare(sharedKey(b));
}

/** Of too many, the oldest that were taken back are forgotten, the same at both routers. */
function withinLimit(entries: Map<string, SharedEntry>): Map<string, SharedEntry> {
  const excess = entries.size - SHARED_LIMIT;
  if (excess <= 0) return entries;
  const forgotten = [...entries.values()].filter(isTakenBack).toSorted(byAge).slice(-excess);
  for (const entry of forgotten) entries.delete(sharedKey(entry));
  return entries;
}

function sharedWith(entries: Map<string, SharedEntry>): Shared {
  const kept = withinLimit(entries);
  const newestFirst = [...kept.values()].toSorted(byAge);
  const digest = newestFirst.reduce((sum, entry) => sum ^ entryDigest(entry), 0n);
  return {
    entries: kept,
    newestFirst,
    digest: digest.toString(16).padStart(16, "0"),
    revision: newestFirst[0]?.revision ?? 0,
    sent: 0,
  };
}

/** What an earlier process kept. */
export function restoreShared(stored: readonly SharedEntry[]): Shared {
  return sharedWith(new Map(stored.slice(0, SHARED_LIMIT).map((entry) => [sharedKey(entry), entry])));
}

/** Fail-back is held, by an operator at either router. */
export function isHeld({ entries }: Shared): boolean {
  const hold = entries.get("hold");
  return hold?.kind === "hold" && hold.held;
}

function put(turn: Turn, news: readonly SharedEntry[]): void {
  const entries = new Map(turn.state.shared.entries);
  for (const entry of news) entries.set(sharedKey(entry), entry);
  const shared = sharedWith(entries);
  turn.set({ shared, hold: isHeld(shared) });
  turn.emit({ kind: "persist-shared", entries: shared.newestFirst });
  turn.tell = true;
}

/** An operator said something here. */
export function order(turn: Turn, subjects: readonly SharedSubject[]): void {
  const { shared, settings } = turn.state;
  const isNews = (subject: SharedSubject) => {
    const known = shared.entries.get(sharedKey(subject));
    return known === undefined ? !isTakenBack(subject) : orderText(known) !== orderText(subject);
  };
  const news = subjects.filter(isNews);
  if (news.length === 0) return;
  const revision = Math.min(REVISION_LIMIT, shared.revision + 1);
  put(
    turn,
    news.map((subject) => ({ ...subject, revision, by: settings.router })),
  );
}

/** The peer's word in a packet that counted: what is newer than what is known here is taken over. */
export function hearShared(turn: Turn, report: SharedReport | undefined): void {
  const { entries } = turn.state.shared;
  const news = (report?.entries ?? []).filter(
    (entry) => entry.revision <= REVISION_LIMIT && isNewer(entry, entries.get(sharedKey(entry))),
  );
  if (news.length === 0 || (entries.size >= SHARED_LIMIT && news.every((entry) => !entries.has(sharedKey(entry))))) {
    return;
  }
  for (const entry of news.slice(0, NOTICES_MAX)) {
    const what = entry.kind === "hold" ? "automatic fail-back" : sharedKey(entry);
    turn.notice("info", "order-heard", `an operator's order from the peer: ${what}: ${orderText(entry)}`);
  }
  put(turn, news);
  if (news.some((entry) => entry.kind !== "hold")) tellOrders(turn);
}

/** The orders that hold, for this router's balancer. */
export function tellOrders(turn: Turn): void {
  const orders = turn.state.shared.newestFirst.filter((entry) => entry.kind !== "hold" && !isTakenBack(entry));
  turn.emit({ kind: "orders", orders });
}

/** What the next heartbeats say of it; entries only while the peer knows others. */
export function sharedReport({ shared, peer }: State): SharedReport {
  const { digest, newestFirst, sent } = shared;
  const theirs = peer?.says.shared?.digest;
  const entries = theirs === undefined || theirs === digest ? [] : fittingEntries(newestFirst.slice(sent));
  return { digest, entries };
}

/** Heartbeats have left: the next ones carry the next entries. */
export function noteSharedSent(turn: Turn): void {
  const { shared } = turn.state;
  const count = sharedReport(turn.state).entries.length;
  if (count === 0) return;
  const sent = shared.sent + count;
  turn.set({ shared: { ...shared, sent: sent >= shared.newestFirst.length ? 0 : sent } });
}
