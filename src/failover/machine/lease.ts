/** The VIPs in this machine's kernel: leased, renewed and removed (rule 3), and guarded against others (rule 11). */
import { formatVip, type Vip } from "../../model/vip.ts";
import { VIP_REPORT_LIMIT } from "../../wire/heartbeat/heartbeat.ts";
import type { LeaseResult, RemoveResult } from "./failover-input.ts";
import { isSettable } from "./interfaces.ts";
import type { SidedVip } from "./settings.ts";
import { GUARD_WINDOW_MS } from "./settings.ts";
import type { Soonest } from "./soonest.ts";
import type { Addresses, LeasePurpose, PendingLease, State } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Removals of one moment are one event: somebody flushed the interface. */
const GUARD_GAP_MS = 500;
const REMOVAL_RETRY_MS = 1_000;

export const NO_ADDRESSES: Addresses = {
  nextBatch: 1,
  possible: new Map(),
  leases: [],
  removals: [],
  confirmed: new Set(),
  guardedAtMs: [],
  guardMove: "none",
};

/** A VIP as the kernel tells it apart: a changed label or prefix length is another address. */
export function vipKey(vip: Vip): string {
  return `${formatVip(vip)} ${vip.label ?? ""}`;
}

/** The configured VIPs, private ones first (rule 9: the way back must be there before the first request comes). */
export function wantedVips(state: State): readonly Vip[] {
  const of = (side: string) => state.settings.vips.filter((sided) => sided.side === side).map((sided) => sided.vip);
  return [...of("private"), ...of("public")];
}

/** The VIPs that this router has leased, private ones first. */
export function confirmedVips(state: State): readonly Vip[] {
  return wantedVips(state).filter((vip) => state.addresses.confirmed.has(vipKey(vip)));
}

/** Of these VIPs, by `vipKey`, those that are configured. */
export function wantedOnly(state: State, keys: Iterable<string>): ReadonlySet<string> {
  const wanted = new Set(state.settings.vips.map(({ vip }) => vipKey(vip)));
  return new Set([...keys].filter((key) => wanted.has(key)));
}

/** The VIPs to lease now: those that are, and those that can be; what the kernel refused waits for its next try. */
export function leasableVips(state: State, nowMs: number): readonly Vip[] {
  const { addresses, refused, retryRefusedAtMs = -Infinity } = state;
  return wantedVips(state).filter((vip) => {
    const key = vipKey(vip);
    if (addresses.confirmed.has(key)) return true;
    return isSettable(state, vip) && (!refused.has(key) || nowMs >= retryRefusedAtMs);
  });
}

/** The VIPs that heartbeats list: with very many, some of each interface. */
export function reportedVips(state: State): readonly SidedVip[] {
  const { vips } = state.settings;
  const inOrder = [
    ...vips.filter((sided) => sided.side === "private"),
    ...vips.filter((sided) => sided.side !== "private"),
  ];
  if (vips.length <= VIP_REPORT_LIMIT) return inOrder;
  const queues = [...Map.groupBy(inOrder, (sided) => sided.vip.interface).values()].map((queue) => [...queue]);
  const listed: SidedVip[] = [];
  while (listed.length < VIP_REPORT_LIMIT) {
    for (const queue of queues) {
      const next = queue.shift();
      if (next !== undefined && listed.length < VIP_REPORT_LIMIT) listed.push(next);
    }
  }
  return listed;
}

export function setAddresses(turn: Turn, change: Partial<Addresses>): void {
  turn.set({ addresses: { ...turn.state.addresses, ...change } });
}

/** Leases `vips` for `validMs`; the outcome comes back with the batch's number. */
export function lease(turn: Turn, purpose: LeasePurpose, vips: readonly Vip[], validMs: number): number {
  const { nextBatch, possible, leases } = turn.state.addresses;
  const pending: PendingLease = { batch: nextBatch, purpose, sentAtMs: turn.now, vips, validMs };
  setAddresses(turn, {
    nextBatch: nextBatch + 1,
    possible: new Map([...possible, ...vips.map((vip) => [vipKey(vip), vip] as const)]),
    leases: [...leases, pending],
  });
  turn.emit({ kind: "lease", batch: nextBatch, vips, validMs });
  return nextBatch;
}

/** Removes whatever of ours may be in the kernel, or only `vips`. */
export function remove(turn: Turn, vips: readonly Vip[] = [...turn.state.addresses.possible.values()]): void {
  if (vips.length === 0) return;
  const { nextBatch, removals } = turn.state.addresses;
  setAddresses(turn, {
    nextBatch: nextBatch + 1,
    removals: [...removals, { batch: nextBatch, sentAtMs: turn.now, vips }],
  });
  turn.emit({ kind: "remove", batch: nextBatch, vips });
}

/** A VIP may be in this kernel. */
export function isHolding(state: State): boolean {
  return state.addresses.possible.size > 0;
}

/** The lease that must not be relied on any more has run its length since it was last confirmed. */
export function hasLapsed(state: State, nowMs: number): boolean {
  const { confirmedUntilMs } = state.addresses;
  return confirmedUntilMs !== undefined && nowMs >= confirmedUntilMs;
}

/** Takes the pending lease of this number out of the list. */
export function settleLease(turn: Turn, batch: number): PendingLease | undefined {
  const { leases } = turn.state.addresses;
  const pending = leases.find((candidate) => candidate.batch === batch);
  setAddresses(turn, { leases: leases.filter((candidate) => candidate !== pending) });
  return pending;
}

/** A lease went well for these VIPs of it. */
export function confirm(turn: Turn, pending: PendingLease, leased: readonly Vip[]): void {
  const { batch, sentAtMs, validMs } = pending;
  // A reload may have come in between: what is not wanted any more is being removed.
  const confirmed = wantedOnly(turn.state, leased.map(vipKey));
  const isWhole = leasableVips(turn.state, turn.now).every((vip) => confirmed.has(vipKey(vip)));
  // What somebody removed while this lease was on its way may be missing.
  const isUndone = (turn.state.addresses.undoneBatch ?? -Infinity) >= batch;
  setAddresses(turn, {
    confirmedAtMs: sentAtMs,
    confirmedUntilMs: sentAtMs + validMs,
    confirmed,
    // The lease may have been given for less than a reload wants by now.
    renewAtMs: isWhole && !isUndone ? sentAtMs + Math.min(turn.state.timing.renewEveryMs, validMs / 3) : turn.now,
  });
}

/** Renews when it is due and no renewal is on its way. */
export function judgeRenewal(turn: Turn): void {
  const { addresses, settings, phase, stopping } = turn.state;
  // The long lease of a stop that keeps the VIPs must be the last word.
  if (phase.kind !== "active" || addresses.leases.length > 0 || stopping?.kept === true) return;
  if (turn.now < (addresses.renewAtMs ?? turn.now)) return;
  lease(turn, "renew", leasableVips(turn.state, turn.now), settings.leaseMs);
}

/** A change of addresses takes milliseconds. */
const STUCK_MS = 500;

/** The kernel has not answered for a change of addresses for long. */
export function isKernelStuck({ addresses }: State, nowMs: number): boolean {
  const pending = [...addresses.leases, ...addresses.removals];
  return pending.some(({ sentAtMs }) => nowMs - sentAtMs >= STUCK_MS);
}

/** The peer is told at once when that begins. */
export function addRenewalStuckDeadline(soonest: Soonest, { phase, addresses, settings }: State): void {
  if (phase.kind !== "active" || addresses.confirmedAtMs === undefined) return;
  soonest.add(addresses.confirmedAtMs + settings.leaseMs / 2);
}

/** The kernel has not renewed the leases for half of their length: what it does not do it will not undo either. */
export function isRenewalStuck({ phase, addresses, settings }: State, nowMs: number): boolean {
  if (phase.kind !== "active" || addresses.confirmedAtMs === undefined) return false;
  return nowMs >= addresses.confirmedAtMs + settings.leaseMs / 2;
}

/**
 * A VIP that a renewal had to create was lost. While its lease cannot have run out somebody removed it, and having it
 * back is right; otherwise this process slept over its lease and the peer may have it (rule 3).
 */
export function isLost(state: State, results: readonly LeaseResult[], nowMs: number): boolean {
  return restored(state, results).length > 0 && hasLapsed(state, nowMs);
}

/** VIPs that were leased before and had to be created anew. */
export function restored(state: State, results: readonly LeaseResult[]): readonly Vip[] {
  const { confirmed } = state.addresses;
  return results.filter(({ vip, result }) => result === "created" && confirmed.has(vipKey(vip))).map(({ vip }) => vip);
}

/** Counts a removal by somebody else. @returns how many there were in the last minute. */
export function countGuarded(turn: Turn, vip: Vip): number {
  const kept = turn.state.addresses.guardedAtMs.filter((atMs) => turn.now - atMs < GUARD_WINDOW_MS);
  const last = kept.at(-1);
  if (last !== undefined && turn.now - last < GUARD_GAP_MS) return kept.length;
  setAddresses(turn, { guardedAtMs: [...kept, turn.now] });
  turn.notice("warn", "address-removed", `somebody removed ${formatVip(vip)}: it is put back`);
  return kept.length + 1;
}

/** A VIP is known to be absent: after a removal, unless a later lease is on its way or went well. */
function forget(turn: Turn, gone: readonly Vip[]): void {
  const { possible, confirmed, leases, removals } = turn.state.addresses;
  const busy = new Set([...confirmed, ...[...leases, ...removals].flatMap((pending) => pending.vips.map(vipKey))]);
  const absent = new Set(gone.map(vipKey).filter((key) => !busy.has(key)));
  setAddresses(turn, { possible: new Map([...possible].filter(([key]) => !absent.has(key))) });
}

export function onRemoveOutcome(turn: Turn, batch: number, results: readonly RemoveResult[]): void {
  const { removals } = turn.state.addresses;
  const pending = removals.find((candidate) => candidate.batch === batch);
  if (pending === undefined) return;
  setAddresses(turn, { removals: removals.filter((candidate) => candidate !== pending) });
  // An answer that is missing, or about another VIP, counts as a refusal.
  const answers = new Map(results.map((result) => [vipKey(result.vip), result]));
  const all = pending.vips.map((vip): RemoveResult => answers.get(vipKey(vip)) ?? { vip, result: "failed" });
  forget(
    turn,
    all.filter((entry) => entry.result !== "failed").map((entry) => entry.vip),
  );
  const failed = all.find((entry) => entry.result === "failed");
  if (failed === undefined) return;
  turn.notice("error", "remove-failed", `cannot remove ${formatVip(failed.vip)}: ${failed.error ?? "unknown"}`);
  setAddresses(turn, { retryRemovalAtMs: turn.now + REMOVAL_RETRY_MS });
}

/** Should the removal of what a standby may have been answered before the lease that it follows: it is made again. */
export function removeAgain(turn: Turn): void {
  const { possible, leases, removals, retryRemovalAtMs } = turn.state.addresses;
  if (possible.size === 0 || leases.length > 0 || removals.length > 0 || retryRemovalAtMs !== undefined) return;
  setAddresses(turn, { retryRemovalAtMs: turn.now });
}

/** A standby whose removal failed tries again; the lease's end would do it as well. */
export function judgeRemovalRetry(turn: Turn): void {
  const { addresses, phase } = turn.state;
  const { retryRemovalAtMs, removals } = addresses;
  if (retryRemovalAtMs === undefined || turn.now < retryRemovalAtMs || removals.length > 0) return;
  const { retryRemovalAtMs: _, ...rest } = addresses;
  turn.set({ addresses: rest });
  if (phase.kind === "standby") remove(turn);
}

/** The VIP left the kernel while nothing of ours concerned it. */
export function onGone(turn: Turn, vip: Vip): void {
  forget(turn, [vip]);
}
