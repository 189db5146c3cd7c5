/**
 * Asking the peer's kernel whether it still has the VIPs (rule 4).
 *
 * Asking begins while the peer is only late, so that it costs no time, and goes on every few milliseconds, so that the
 * moment its kernel falls silent is seen at once. One lost answer must not pass for silence: how many questions in a
 * row have to stay without an answer follows from how many were answered before.
 */
import { type IpAddress, sameAddress } from "../model/address.ts";
import type { MacAddress } from "../model/mac-address.ts";
import type { Vip } from "../model/vip.ts";
import { startDefending } from "./announce.ts";
import type { OwnerQuestion } from "./effect.ts";
import { wantedVips } from "./lease.ts";
import { doubtAtMs, isDoubted, isPeerAlive, silentAtMs } from "./peer.ts";
import { ANNOUNCE_AGAIN_MS, ANNOUNCE_REFRESH_MS } from "./settings.ts";
import type { OwnerQuery, State } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Questions of one round per interface; rounds go around all VIPs. */
const QUESTIONS_PER_INTERFACE = 2;
/** Silence needs at least this many questions without an answer … */
const UNANSWERED_MIN = 3;
const UNANSWERED_MAX = 40;
/** … and is believed when it would be chance this rarely. */
const CHANCE = 1e-6;
/** A second owner is answered by an announcement at most this often (RFC 5227, DEFEND_INTERVAL). */
const DEFEND_INTERVAL_MS = 10_000;

const FIRST_QUERY: OwnerQuery = {
  sinceMs: 0,
  attempt: 0,
  askedAtMs: 0,
  unanswered: 0,
  answered: 0,
  standoff: false,
};

/** Some VIPs of each interface, others with each attempt. */
function vipsToAsk(state: State, attempt: number): readonly Vip[] {
  const byInterface = Map.groupBy(wantedVips(state), (vip) => vip.interface);
  return [...byInterface.values()].flatMap((vips) => {
    const count = Math.min(QUESTIONS_PER_INTERFACE, vips.length);
    return Array.from({ length: count }, (_, index) => vips[(attempt * count + index) % vips.length]).filter(
      (vip) => vip !== undefined,
    );
  });
}

/** Asks now if a question is due; the neighbours are asked with it, for evidence that I am not the broken one. */
export function judgeAsking(turn: Turn): void {
  const query = turn.state.query ?? { ...FIRST_QUERY, sinceMs: turn.now };
  if (turn.state.query !== undefined && turn.now < askDeadline(turn.state, query)) return;
  if (turn.state.query === undefined) {
    const why = isDoubted(turn.state, turn.now) ? "standby, and says for long that it has VIPs" : "late";
    turn.cause("peer-late", `the peer is ${why}: its kernel is asked for the VIPs`);
  }
  const questions: readonly OwnerQuestion[] = vipsToAsk(turn.state, query.attempt).map((vip) => {
    const mac = turn.state.peerMacs.get(vip.interface);
    return mac === undefined ? { vip } : { vip, mac };
  });
  turn.emit({ kind: "ask-owner", attempt: query.attempt + 1, questions, peer: [] });
  turn.emit({ kind: "ask-neighbours" });
  turn.set({
    query: { ...query, attempt: query.attempt + 1, askedAtMs: turn.now, unanswered: query.unanswered + 1 },
  });
}

/** When the next question is due. */
export function askDeadline(state: State, query: OwnerQuery): number {
  return query.askedAtMs + (query.standoff ? state.timing.askSlowlyMs : state.timing.askEveryMs);
}

/** How many questions in a row without an answer are no chance. */
export function unansweredNeeded(query: OwnerQuery): number {
  if (query.answered === 0) return UNANSWERED_MIN;
  // One more than was seen on each side, so that few questions don't prove a faultless network.
  const lossRate = (query.attempt - query.unanswered - query.answered + 1) / (query.attempt - query.unanswered + 2);
  const needed = Math.ceil(Math.log(CHANCE) / Math.log(Math.min(0.99, Math.max(0.001, lossRate))));
  return Math.min(UNANSWERED_MAX, Math.max(UNANSWERED_MIN, needed));
}

/** The peer's kernel does not have the VIPs: enough questions stayed without an answer, each of which had its time. */
export function isOwnerGone(state: State, nowMs: number): boolean {
  const { query, timing } = state;
  if (query === undefined) return false;
  // The last question counts when an answer would be here by now; those before it had that time.
  const hadTime = nowMs >= query.askedAtMs + timing.askEveryMs ? query.unanswered : query.unanswered - 1;
  return hadTime >= unansweredNeeded(query);
}

function isPeerMac(state: State, mac: MacAddress): boolean {
  return [...state.peerMacs.values()].includes(mac);
}

/** Somebody says that a VIP is at its MAC. */
export function onOwnerAnswer(
  turn: Turn,
  answer: { readonly address: IpAddress; readonly mac: MacAddress; readonly interface: string },
): void {
  const { query, peerMacs, ownMacs, settings } = turn.state;
  if ([...ownMacs.values()].includes(answer.mac)) return;
  if (!settings.vips.some((sided) => sameAddress(sided.vip.prefix.address, answer.address))) return;
  if (turn.state.phase.kind === "active") {
    onSecondOwner(turn, answer);
    return;
  }
  // While no MAC of the peer is known any answer may be the peer's: wait for it as for the peer.
  if (peerMacs.size > 0 && !isPeerMac(turn.state, answer.mac)) {
    noticeConflict(turn, answer);
    return;
  }
  if (query === undefined) return;
  if (query.answered === 0) {
    turn.cause("owner-answered", `the peer's kernel answers for ${answer.address.text} from ${answer.mac}`);
  }
  turn.set({
    query: {
      ...query,
      answered: query.answered + (query.unanswered > 0 ? 1 : 0),
      unanswered: 0,
      firstAnswerAtMs: query.firstAnswerAtMs ?? turn.now,
      lastAnswerAtMs: turn.now,
    },
  });
  judgeStandoff(turn);
}

/**
 * Somebody else answers for a VIP that this router has: the neighbours may follow that one, so it is announced again
 * (rule 8). In the overlap of a planned move it is the old owner.
 */
function onSecondOwner(turn: Turn, answer: { readonly address: IpAddress; readonly mac: MacAddress }): void {
  const { announcing, acceptance, move, peer, defendedAtMs } = turn.state;
  const isPeer = isPeerMac(turn.state, answer.mac);
  if (!isPeer) noticeConflict(turn, answer);
  else if (acceptance !== undefined || move?.offeredAtMs !== undefined) return;
  // A peer that may be active as well: terms decide, by heartbeats; two routers that announce by turns help nobody.
  else if (!isPeerAlive(turn.state, turn.now) || peer?.says.role === "active") return;
  const announcedAtMs = (announcing?.refreshAtMs ?? 0) - ANNOUNCE_REFRESH_MS;
  const dueAtMs = Math.max(announcedAtMs + ANNOUNCE_AGAIN_MS, (defendedAtMs ?? -Infinity) + DEFEND_INTERVAL_MS);
  if (announcing !== undefined && (isPeer || turn.now < dueAtMs)) {
    // Not yet, but not never: neighbours that follow it would do so until the refresh, for up to a minute. And not within
    // the second in which they take nothing new. What a peer that is just taking over announces comes before its
    // heartbeat that says so: an answer to that at once would turn the neighbours back to a router that steps down.
    const contestedAtMs = announcing.contestedAtMs ?? Math.max(dueAtMs, turn.now + ANNOUNCE_AGAIN_MS);
    turn.set({ announcing: { ...announcing, contestedAtMs } });
    return;
  }
  turn.cause("second-owner", `${answer.mac} answers for ${answer.address.text} too: the VIPs are announced again`);
  startDefending(turn);
}

/** A third machine has the VIP: told once per machine, never a reason not to take (rule 4). */
function noticeConflict(turn: Turn, answer: { readonly address: IpAddress; readonly mac: MacAddress }): void {
  const known = turn.state.conflict;
  if (known?.mac === answer.mac && sameAddress(known.address, answer.address)) return;
  turn.set({ conflict: { address: answer.address, mac: answer.mac } });
  turn.notice("error", "address-conflict", `${answer.mac}, which is not the peer, answers for ${answer.address.text}`);
}

/** A kernel that answers for longer than two leases after its daemon fell silent does not have leased addresses. */
function judgeStandoff(turn: Turn): void {
  const { query, settings } = turn.state;
  if (query === undefined || query.standoff) return;
  const isDoubt = isDoubted(turn.state, turn.now) && isPeerAlive(turn.state, turn.now);
  const fromMs = isDoubt ? doubtAtMs(turn.state) : silentAtMs(turn.state);
  const sinceMs = Math.max(fromMs, query.firstAnswerAtMs ?? turn.now);
  if (turn.now - sinceMs < 2 * settings.leaseMs) return;
  turn.set({ query: { ...query, standoff: true } });
  const who = isDoubt ? "the peer is standby" : "the peer's heartbeats are not heard";
  const why = isDoubt ? "" : "heartbeats filtered, another key, or ";
  const text =
    `${who}, but its kernel still answers for the VIPs after two leases: ${why}VIPs without a lease; ` +
    "standing off (`tandem failover take --force` takes them)";
  turn.notice("error", "peer-keeps-addresses", text);
}
