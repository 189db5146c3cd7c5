/** What the kernel made of leases, and what others made of our addresses (rules 3 and 11). */

import { sameAddress } from "../../model/address.ts";
import { formatVip, type Vip } from "../../model/vip.ts";
import type { MoveReason } from "../../wire/heartbeat/heartbeat.ts";
import { isForDisadvantage } from "../machine/damping.ts";
import type { LeaseResult } from "../machine/failover-input.ts";
import {
  confirm,
  countGuarded,
  hasLapsed,
  isLost,
  judgeRenewal,
  onGone,
  removeAgain,
  restored,
  setAddresses,
  settleLease,
  vipKey,
} from "../machine/lease.ts";
import { GUARD_LIMIT } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { PendingLease, State, Taking } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { startAnnouncing } from "./announce.ts";
import { notePrimaryFailed } from "./failback.ts";
import { isTooLate } from "./offer-acceptance.ts";
import { forgetRefused, noteRefused } from "./refusals.ts";
import { abortTaking, becomeActive, becomeStandby } from "./role.ts";
import { wantReclaim } from "./takeover-step.ts";

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
  else if (phase.kind === "standby") removeAgain(turn);
}

/** What became of each VIP of a lease; an answer that is missing, or about another VIP, counts as a refusal. */
function sorted(pending: PendingLease, results: readonly LeaseResult[]) {
  const answers = new Map(results.map((result) => [vipKey(result.vip), result]));
  const all = pending.vips.map((vip): LeaseResult => answers.get(vipKey(vip)) ?? { vip, result: "failed" });
  return {
    failed: all.filter(({ result }) => result === "failed"),
    leased: all.filter(({ result }) => result !== "failed"),
  };
}

function noticeFailed(turn: Turn, failed: readonly LeaseResult[]): void {
  const [first] = failed;
  const what = first === undefined ? "the VIPs" : formatVip(first.vip);
  turn.notice("error", "lease-failed", `cannot lease ${what}: ${first?.error ?? "no answer for some of them"}`);
}

/** In a planned move what the old owner has must not be lost; from a router that goes, what can be had is taken. */
function breaksAgreement({ acceptance, peer }: State, failed: readonly LeaseResult[]): boolean {
  if (acceptance === undefined || acceptance.word.reason === "stopping") return false;
  return failed.some(({ vip }) =>
    peer?.says.vips.some((report) => report.held && sameAddress(report.address, vip.prefix.address)),
  );
}

function onTaken(turn: Turn, taking: Taking, pending: PendingLease, results: readonly LeaseResult[]): void {
  const { failed, leased } = sorted(pending, results);
  if (pending.purpose === "adopt" && restored(turn.state, results).length > 0) {
    turn.notice("warn", "lease-lapsed", "the VIPs of the earlier process were lost before they could be adopted");
    abortTaking(turn, "their leases had ended", 0);
  } else if (leased.length === 0) {
    noticeFailed(turn, failed);
    abortTaking(turn, "none of the VIPs could be set");
    noteRefusal(turn);
  } else if (breaksAgreement(turn.state, failed)) {
    noteRefused(turn, failed);
    abortTaking(turn, "the peer has a VIP that could not be set here");
  } else if (isTooLate(turn.state, turn.now)) {
    abortTaking(turn, "the agreement had run out when the kernel had the VIPs");
  } else succeedTaking(turn, taking, pending, { failed, leased });
}

function succeedTaking(
  turn: Turn,
  taking: Taking,
  pending: PendingLease,
  { failed, leased }: ReturnType<typeof sorted>,
): void {
  const { acceptance } = turn.state;
  if (taking.reason === "peer-silent" || isInvoluntary(acceptance?.word.reason)) notePrimaryFailed(turn);
  const vips = leased.map(({ vip }) => vip);
  forgetRefused(turn, vips);
  confirm(turn, pending, vips);
  noteRefused(turn, failed);
  becomeActive(turn, taking.reason);
  // What the program did was perhaps undone by the peer's while this process slept.
  if (turn.state.awakeSinceMs > taking.sinceMs) wantReclaim(turn);
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

function isInvoluntary(reason: MoveReason | undefined): boolean {
  return reason !== undefined && (isForDisadvantage(reason) || reason === "address-removed" || reason === "views");
}

function onRenewed(turn: Turn, pending: PendingLease, results: readonly LeaseResult[]): void {
  if (isLost(turn.state, results, turn.now)) {
    turn.notice("error", "lease-lapsed", "the leases had ended before they were renewed: the VIPs are given up");
    becomeStandby(turn, "lease-lost");
    return;
  }
  const { failed, leased } = sorted(pending, results);
  if (leased.length === 0) {
    noticeFailed(turn, failed);
    if (hasLapsed(turn.state, turn.now)) giveUpRefused(turn);
    else setAddresses(turn, { renewAtMs: turn.now + turn.state.timing.renewEveryMs / 4 });
    return;
  }
  const [back] = restored(turn.state, results);
  if (back !== undefined) guard(turn, back);
  const { confirmed } = turn.state.addresses;
  const isNew = leased.some(({ vip }) => !confirmed.has(vipKey(vip)));
  const isLosing = failed.some(({ vip }) => confirmed.has(vipKey(vip)));
  const vips = leased.map(({ vip }) => vip);
  turn.set({ refusals: 0 });
  noteRefused(turn, failed);
  forgetRefused(turn, vips);
  confirm(turn, pending, vips);
  // One that was leased and is refused now is tried again while its lease runs.
  if (isLosing) {
    turn.set({ retryRefusedAtMs: turn.now });
    setAddresses(turn, { renewAtMs: turn.now + turn.state.timing.renewEveryMs / 4 });
  }
  if (isNew || back !== undefined) startAnnouncing(turn);
}

/** Counts it, and hands over once when it happens too often. */
function guard(turn: Turn, vip: Vip): void {
  const count = countGuarded(turn, vip);
  if (count < GUARD_LIMIT || turn.state.addresses.guardMove !== "none") return;
  setAddresses(turn, { guardMove: "due" });
  const text = `the VIPs were removed ${count} times within a minute: somebody else manages these addresses`;
  turn.notice("error", "address-removed-often", text);
}

/** The kernel says that a VIP went away. What somebody removed is put back; what went with its interface cannot be. */
export function onAddressRemoved(turn: Turn, vip: Vip): void {
  const { phase, addresses } = turn.state;
  const isMine = phase.kind === "active" && addresses.confirmed.has(vipKey(vip));
  if (!isMine) {
    onGone(turn, vip);
    return;
  }
  if (hasLapsed(turn.state, turn.now)) {
    turn.notice("error", "lease-lapsed", `the lease of ${formatVip(vip)} ended`);
    becomeStandby(turn, "lease-lost");
    return;
  }
  const underWay = addresses.leases.at(-1)?.batch;
  setAddresses(turn, { renewAtMs: turn.now, ...(underWay === undefined ? {} : { undoneBatch: underWay }) });
  judgeRenewal(turn);
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
