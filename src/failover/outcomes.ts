/** What the kernel made of leases, and what others made of our addresses (rules 3 and 11). */
import { formatVip, type Vip } from "../model/vip.ts";
import { isTooLate } from "./acceptance.ts";
import { startAnnouncing } from "./announce.ts";
import { notePrimaryFailed } from "./failback.ts";
import type { LeaseResult } from "./input.ts";
import {
  confirm,
  countGuarded,
  hasLapsed,
  judgeRenewal,
  onGone,
  remove,
  renewalOutcome,
  setAddresses,
  settleLease,
  vipKey,
  wantedVips,
} from "./lease.ts";
import { abortTaking, becomeActive, becomeStandby } from "./role.ts";
import { GUARD_LIMIT } from "./settings.ts";
import type { Soonest } from "./soonest.ts";
import type { PendingLease, State, Taking } from "./state.ts";
import { wantReclaim } from "./takeover-step.ts";
import type { Turn } from "./turn.ts";

/** A kernel that holds its lock cannot end leases either; longer than this many leases it is stuck. */
const STUCK_LEASES = 3;
/** After the kernel refused the leases; doubled by each further refusal, since a peer that can is not to be disturbed. */
const REFUSED_PAUSE_MS = 1_000;
/** Short enough for a router that is alone, and whose kernel is mended. */
const REFUSED_PAUSE_LIMIT_MS = 16_000;

export function onLeaseOutcome(turn: Turn, batch: number, results: readonly LeaseResult[]): void {
  const pending = settleLease(turn, batch);
  const { phase } = turn.state;
  if (pending === undefined) return;
  if (phase.kind === "taking" && phase.taking.batch === batch) onTaken(turn, phase.taking, pending, results);
  else if (phase.kind === "active" && pending.purpose === "renew") onRenewed(turn, pending, results);
  // Anything else was overtaken by a step down, whose removal follows this lease in the kernel.
}

function noticeFailed(turn: Turn, results: readonly LeaseResult[]): void {
  const failed = results.find((entry) => entry.result === "failed");
  const what = failed === undefined ? "the VIPs" : formatVip(failed.vip);
  turn.notice("error", "lease-failed", `cannot lease ${what}: ${failed?.error ?? "no answer for some of them"}`);
}

function onTaken(turn: Turn, taking: Taking, pending: PendingLease, results: readonly LeaseResult[]): void {
  const { confirmed } = turn.state.addresses;
  const lost =
    pending.purpose === "adopt" &&
    results.some((entry) => entry.result === "created" && confirmed.has(vipKey(entry.vip)));
  if (lost) {
    turn.notice("warn", "lease-lapsed", "the VIPs of the earlier process were lost before they could be adopted");
    abortTaking(turn, "their leases had ended", 0);
  } else if (results.length < pending.vips.length || results.some((entry) => entry.result === "failed")) {
    noticeFailed(turn, results);
    abortTaking(turn, "all VIPs or none");
    noteRefusal(turn);
  } else if (isTooLate(turn.state, turn.now)) {
    abortTaking(turn, "the agreement had run out when the kernel had the VIPs");
  } else {
    const { acceptance } = turn.state;
    const failed = taking.reason === "peer-silent" || isInvoluntary(acceptance?.word.reason);
    if (failed) notePrimaryFailed(turn);
    confirm(turn, pending);
    becomeActive(turn, taking.reason);
    // What the program did was perhaps undone by the peer's while this process slept.
    if (turn.state.awakeSinceMs > taking.sinceMs) wantReclaim(turn);
  }
}

/** The kernel refuses the leases, or a step failed: the peer goes first now, and each further try waits for longer. */
export function noteRefusal(turn: Turn): void {
  const { refusals } = turn.state;
  const pauseMs = Math.min(REFUSED_PAUSE_LIMIT_MS, REFUSED_PAUSE_MS * 2 ** refusals);
  turn.set({ refusals: refusals + 1, retryTakeAtMs: turn.now + pauseMs });
}

function giveUpRefused(turn: Turn): void {
  noteRefusal(turn);
  becomeStandby(turn, "lease-failed");
}

function isInvoluntary(reason: string | undefined): boolean {
  const reasons: readonly (string | undefined)[] = ["carrier-lost", "side-blind", "address-removed", "views"];
  return reasons.includes(reason);
}

function onRenewed(turn: Turn, pending: PendingLease, results: readonly LeaseResult[]): void {
  const outcome = renewalOutcome(turn.state, pending, results, turn.now);
  if (outcome === "lost") {
    turn.notice("error", "lease-lapsed", "the leases had ended before they were renewed: the VIPs are given up");
    becomeStandby(turn, "lease-lost");
    return;
  }
  if (outcome === "failed") {
    noticeFailed(turn, results);
    if (hasLapsed(turn.state, turn.now)) giveUpRefused(turn);
    else setAddresses(turn, { renewAtMs: turn.now + turn.state.timing.renewEveryMs / 4 });
    return;
  }
  const { confirmed, confirmedAtMs = 0, guardedAtMs } = turn.state.addresses;
  const [restored] = results.filter((entry) => entry.result === "created" && confirmed.has(vipKey(entry.vip)));
  const isNew = results.some((entry) => !confirmed.has(vipKey(entry.vip)));
  // The kernel's report of the removal may come after the renewal that mended it.
  const told = guardedAtMs.some((atMs) => atMs >= confirmedAtMs);
  if (restored !== undefined && !told) guard(turn, restored.vip);
  turn.set({ refusals: 0 });
  confirm(turn, pending);
  if (isNew || restored !== undefined) startAnnouncing(turn);
}

/** Counts it, and hands over once when it happens too often. */
function guard(turn: Turn, vip: Vip): void {
  const count = countGuarded(turn, vip);
  if (count < GUARD_LIMIT || turn.state.addresses.guardMove !== "none") return;
  setAddresses(turn, { guardMove: "due" });
  const text = `the VIPs were removed ${count} times within a minute: somebody else manages these addresses`;
  turn.notice("error", "address-removed-often", text);
}

/** The kernel says that a VIP went away. */
export function onAddressRemoved(turn: Turn, vip: Vip): void {
  const { phase } = turn.state;
  const key = vipKey(vip);
  const wanted = phase.kind === "active" && wantedVips(turn.state).some((candidate) => vipKey(candidate) === key);
  if (!wanted) onGone(turn, vip);
  else if (hasLapsed(turn.state, turn.now)) {
    turn.notice("error", "lease-lapsed", `the lease of ${formatVip(vip)} ended`);
    becomeStandby(turn, "lease-lost");
  } else {
    guard(turn, vip);
    const underWay = turn.state.addresses.leases.at(-1)?.batch;
    setAddresses(turn, { renewAtMs: turn.now, ...(underWay === undefined ? {} : { undoneBatch: underWay }) });
    judgeRenewal(turn);
  }
}

/** Somebody else set a VIP here: at a standby that is a second owner, and it goes at once (rule 11 the other way round). */
export function onAddressAdded(turn: Turn, vip: Vip): void {
  const { phase, addresses } = turn.state;
  const isMine = addresses.possible.has(vipKey(vip));
  if ((phase.kind !== "standby" && phase.kind !== "starting") || isMine) return;
  turn.notice("warn", "address-added", `somebody set ${formatVip(vip)} on this standby: it is removed`);
  setAddresses(turn, { possible: new Map([...addresses.possible, [vipKey(vip), vip]]) });
  remove(turn, [vip]);
  turn.tell = true;
}

/**
 * An active whose leases have run out without a renewal on its way is none any more: this process slept, or the kernel
 * refused all renewals.
 * While a renewal waits for the kernel's lock the addresses stay as well, since their end needs the same lock; the
 * kernel's report of their removal says when they do not.
 */
export function judgeLapse(turn: Turn, slept: boolean): void {
  const { phase, addresses, settings } = turn.state;
  if (phase.kind !== "active" || !hasLapsed(turn.state, turn.now)) return;
  const [oldest] = addresses.leases;
  const stuck = oldest !== undefined && turn.now - oldest.sentAtMs >= STUCK_LEASES * settings.leaseMs;
  if (!slept && oldest !== undefined && !stuck) return;
  const ms = Math.round(turn.now - (addresses.confirmedAtMs ?? turn.now));
  turn.notice("error", "lease-lapsed", `the leases were last renewed ${ms} ms ago: the VIPs are given up`);
  if (slept) becomeStandby(turn, "lease-lost");
  else giveUpRefused(turn);
}

export function addLapseDeadlines(soonest: Soonest, { phase, addresses, settings }: State): void {
  if (phase.kind !== "active" || addresses.confirmedAtMs === undefined) return;
  soonest.add(addresses.renewAtMs);
  soonest.add(addresses.confirmedUntilMs);
  for (const pending of addresses.leases) soonest.add(pending.sentAtMs + STUCK_LEASES * settings.leaseMs);
}
