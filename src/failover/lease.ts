/** The VIPs in this machine's kernel: leased, renewed and removed (rule 3), and guarded against others (rule 11). */
import { formatVip, type Vip } from "../model/vip.ts";
import type { LeaseResult, RemoveResult } from "./input.ts";
import { GUARD_WINDOW_MS } from "./settings.ts";
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

/** A VIP as the kernel tells it apart: a changed label or prefix length is another address (facts.md). */
export function vipKey(vip: Vip): string {
  return `${formatVip(vip)} ${vip.label ?? ""}`;
}

/** The configured VIPs, private ones first (rule 9: the way back must be there before the first request comes). */
export function wantedVips(state: State): readonly Vip[] {
  const of = (side: string) => state.settings.vips.filter((sided) => sided.side === side).map((sided) => sided.vip);
  return [...of("private"), ...of("public")];
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

/** A lease of all wanted VIPs went well. */
export function confirm(turn: Turn, pending: PendingLease): void {
  const { batch, sentAtMs, validMs } = pending;
  const confirmed = new Set(pending.vips.map(vipKey));
  const isWhole = wantedVips(turn.state).every((vip) => confirmed.has(vipKey(vip)));
  // What somebody removed while this lease was on its way may be missing.
  const isUndone = (turn.state.addresses.undoneBatch ?? -Infinity) >= batch;
  setAddresses(turn, {
    confirmedAtMs: sentAtMs,
    confirmedUntilMs: sentAtMs + validMs,
    confirmed,
    renewAtMs: isWhole && !isUndone ? sentAtMs + turn.state.timing.renewEveryMs : turn.now,
  });
}

/** Renews when it is due and no renewal is on its way. */
export function judgeRenewal(turn: Turn): void {
  const { addresses, settings, phase, stopping } = turn.state;
  // The long lease of a stop that keeps the VIPs must be the last word.
  if (phase.kind !== "active" || addresses.leases.length > 0 || stopping?.kept === true) return;
  if (turn.now < (addresses.renewAtMs ?? turn.now)) return;
  lease(turn, "renew", wantedVips(turn.state), settings.leaseMs);
}

/** What the results of a renewal mean. */
export type RenewalOutcome = "renewed" | "restored" | "lost" | "failed";

/**
 * A VIP that a renewal had to create was lost. While its lease cannot have run out somebody removed it, and having it
 * back is right; otherwise this process slept over its lease and the peer may have it (rule 3).
 */
export function renewalOutcome(
  state: State,
  pending: PendingLease,
  results: readonly LeaseResult[],
  nowMs: number,
): RenewalOutcome {
  const { confirmed } = state.addresses;
  const created = results.filter((entry) => entry.result === "created" && confirmed.has(vipKey(entry.vip)));
  if (created.length > 0 && hasLapsed(state, nowMs)) return "lost";
  if (results.length < pending.vips.length || results.some((entry) => entry.result === "failed")) return "failed";
  return created.length > 0 ? "restored" : "renewed";
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

/** A VIP is known to be absent: after a removal, unless a later lease is on its way. */
function forget(turn: Turn, gone: readonly Vip[]): void {
  const { possible, leases, removals } = turn.state.addresses;
  const busy = new Set([...leases, ...removals].flatMap((pending) => pending.vips.map(vipKey)));
  const absent = new Set(gone.map(vipKey).filter((key) => !busy.has(key)));
  setAddresses(turn, { possible: new Map([...possible].filter(([key]) => !absent.has(key))) });
}

export function onRemoveOutcome(turn: Turn, batch: number, results: readonly RemoveResult[]): void {
  const { removals } = turn.state.addresses;
  if (!removals.some((pending) => pending.batch === batch)) return;
  setAddresses(turn, { removals: removals.filter((pending) => pending.batch !== batch) });
  forget(
    turn,
    results.filter((entry) => entry.result !== "failed").map((entry) => entry.vip),
  );
  const failed = results.find((entry) => entry.result === "failed");
  if (failed === undefined) return;
  turn.notice("error", "remove-failed", `cannot remove ${formatVip(failed.vip)}: ${failed.error ?? "unknown"}`);
  setAddresses(turn, { retryRemovalAtMs: turn.now + REMOVAL_RETRY_MS });
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
