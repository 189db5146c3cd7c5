/**
 * What holds after each step, whatever came in and in whatever order: where one of these breaks the code is wrong, and a
 * router in an unknown state must not go on. Looked at in each step, so each costs next to nothing while nothing changes.
 */
import { InvariantError } from "../lib/invariant-error.ts";
import { PATHS } from "../model/pair.ts";
import type { Vip } from "../model/vip.ts";
import { hasTwin } from "./evidence/twin.ts";
import type { Input } from "./machine/failover-input.ts";
import { vipKey } from "./machine/lease.ts";
import { HISTORY_LIMIT, TRAIL_LIMIT } from "./machine/settings.ts";
import type { State } from "./machine/state.ts";

/** One step: the state before it and after it. */
export interface Stepped {
  readonly before: State;
  readonly after: State;
  readonly nowMs: number;
  /** All deadlines were judged; some things hold only then. */
  readonly isTick: boolean;
}

/** @returns what was found instead, a clause; undefined: it holds. */
type Invariant = (stepped: Stepped) => string | undefined;

/** Rule 5: who has the higher term is right, so none may ever be given twice. */
function termsRise({ before, after }: Stepped): string | undefined {
  if (after.term < before.term) return `the term fell from ${before.term} to ${after.term}`;
  if (after.lastActiveTerm >= before.lastActiveTerm) return undefined;
  return `the term of the last tenure fell from ${before.lastActiveTerm} to ${after.lastActiveTerm}`;
}

/** Rule 5: an active can be compared with another one. */
function activeHasTerm({ after: { phase, term, lastActiveTerm } }: Stepped): string | undefined {
  if (phase.kind !== "active" || (lastActiveTerm > 0 && lastActiveTerm <= term)) return undefined;
  return `active in term ${lastActiveTerm}, and the highest known is ${term}`;
}

/** Rule 2: a nonce, a packet's counter or a batch's number that is given twice makes a replay good. */
function countersRise({ before, after }: Stepped): string | undefined {
  if (after.drawn < before.drawn) return "the seed would be drawn from twice alike";
  if (after.sendNumber < before.sendNumber || after.nextNumber < before.nextNumber)
    return "a number would be given twice";
  if (after.addresses.nextBatch < before.addresses.nextBatch) return "a batch's number would be given twice";
  const fallen = PATHS.find((path) => after.session.paths[path].sent < before.session.paths[path].sent);
  return fallen === undefined ? undefined : `the counter of heartbeats on the ${fallen} path fell`;
}

/** Rule 12: what has begun to stop does not come back. */
function stopIsFinal({ before, after }: Stepped): string | undefined {
  if (before.phase.kind === "stopped" && after.phase.kind !== "stopped") return `${after.phase.kind} after the end`;
  return before.stopping !== undefined && after.stopping === undefined ? "the stop was forgotten" : undefined;
}

/** Rule 19: proof is of the present tenure. */
function tenureBeginsUnproven({ before, after }: Stepped): string | undefined {
  const begins = before.phase.kind !== "active" && after.phase.kind === "active";
  return begins && after.proven ? "a new tenure began with the proof of an earlier one" : undefined;
}

/** Rule 5: who is not active has given everything up. A daemon that ends may leave its VIPs behind (`stop = "keep"`). */
function onlyActiveHasLeases({ after: { phase, addresses } }: Stepped): string | undefined {
  if (addresses.confirmed.size === 0 || phase.kind === "active" || phase.kind === "stopped") return undefined;
  if (phase.kind === "taking" && phase.taking.reason === "adopted") return undefined;
  return `${phase.kind} with ${addresses.confirmed.size} leases`;
}

function areAddressesSame({ before, after }: Stepped): boolean {
  return before.addresses === after.addresses && before.settings === after.settings;
}

/** Rule 3: what is renewed is what is configured. */
function leasesAreWanted(stepped: Stepped): string | undefined {
  const { addresses, settings } = stepped.after;
  if (areAddressesSame(stepped) || addresses.confirmed.size === 0) return undefined;
  const wanted = new Set(settings.vips.map(({ vip }) => vipKey(vip)));
  const unwanted = [...addresses.confirmed].find((key) => !wanted.has(key));
  return unwanted === undefined ? undefined : `a lease of ${unwanted}, which is not configured`;
}

/** Rule 3: only what is known to be perhaps in the kernel is removed when the role goes. */
function kernelIsKnown(stepped: Stepped): string | undefined {
  if (areAddressesSame(stepped)) return undefined;
  const { possible, confirmed, leases } = stepped.after.addresses;
  const isUnknown = (vip: Vip) => !possible.has(vipKey(vip));
  const unknown =
    [...confirmed].find((key) => !possible.has(key)) ??
    leases.flatMap(({ vips }) => vips.filter(isUnknown)).map(vipKey)[0];
  return unknown === undefined ? undefined : `${unknown} is leased, and would not be removed`;
}

/** Rule 5: what a standby may still have is on its way out, and is tried again where the kernel refused. */
function standbyLetsGo({ after: { phase, addresses } }: Stepped): string | undefined {
  const { possible, leases, removals, retryRemovalAtMs } = addresses;
  if (phase.kind !== "standby" || possible.size === 0 || leases.length > 0 || removals.length > 0) return undefined;
  return retryRemovalAtMs === undefined ? `standby, and ${possible.size} VIPs are left in the kernel` : undefined;
}

/** Rule 3: nobody is active beyond the end of the leases, but for one that the kernel is just renewing. */
function leaseRuns({ after: { phase, addresses }, nowMs, isTick }: Stepped): string | undefined {
  if (!isTick || phase.kind !== "active" || addresses.leases.length > 0) return undefined;
  const { confirmedUntilMs } = addresses;
  if (confirmedUntilMs !== undefined && nowMs < confirmedUntilMs) return undefined;
  return confirmedUntilMs === undefined
    ? "active without a lease"
    : `active ${nowMs - confirmedUntilMs} ms after its leases`;
}

/** A refused renewal is tried again after the twelfth part of a lease, which may be just after its end. */
const RETRY_PARTS = 12;

/** Rule 3: the next renewal comes before the leases end. */
function renewalIsDue({ after, nowMs }: Stepped): string | undefined {
  const { phase, addresses, stopping, settings } = after;
  if (phase.kind !== "active" || addresses.leases.length > 0 || stopping?.kept === true) return undefined;
  const { renewAtMs = Infinity, confirmedUntilMs = -Infinity } = addresses;
  const limitMs = Math.max(nowMs, confirmedUntilMs) + settings.leaseMs / RETRY_PARTS;
  return renewAtMs <= limitMs
    ? undefined
    : `renewed in ${renewAtMs - nowMs} ms, leased for ${confirmedUntilMs - nowMs} ms`;
}

/** Rule B12 of balancing: a takeover waits for the table, for its program or for the kernel, never for nothing. */
function takingWaits({ after: { phase, addresses, step }, nowMs, isTick }: Stepped): string | undefined {
  if (phase.kind !== "taking") return undefined;
  const { batch, tableUntilMs } = phase.taking;
  if (batch !== undefined) {
    return addresses.leases.some((lease) => lease.batch === batch) ? undefined : "it waits for a lease that has ended";
  }
  return !isTick || step !== undefined || nowMs < tableUntilMs ? undefined : "it waits for nothing";
}

/** Rules 4, 8, 9 and 19: each role has its own work, which ends with it. */
function workFitsRole({ after, isTick }: Stepped): string | undefined {
  const { kind } = after.phase;
  if (kind === "stopped") return undefined;
  const { announcing, verification, ownerWatch, worse, query, acceptance, move } = after;
  if (kind !== "active") {
    if (announcing !== undefined || verification !== undefined) return `${kind}, and announces`;
    if (ownerWatch !== undefined || worse !== undefined) return `${kind}, and judges as an active`;
    // What ends a tenure in a heartbeat ends the move with the next tick.
    if (isTick && move !== undefined) return `${kind}, and leads a planned move`;
  }
  if (kind !== "standby" && query !== undefined) return `${kind}, and asks for the VIPs as a standby`;
  return acceptance === undefined || kind === "active" || kind === "taking"
    ? undefined
    : `${kind}, and follows a planned move`;
}

/** Rule 20: each removal of a foreign VIP that is waited for is under way, or the VIP would stay for ever. */
function foreignRemovalsRun({ after: { foreign, addresses } }: Stepped): string | undefined {
  if (foreign.leaving.size === 0 || addresses.removals.length > 0) return undefined;
  return `nobody removes ${[...foreign.leaving][0]}`;
}

function listsAreBounded({ after: { trail, history } }: Stepped): string | undefined {
  if (trail.length > TRAIL_LIMIT) return `${trail.length} causes`;
  return history.length > HISTORY_LIMIT ? `${history.length} transitions` : undefined;
}

/** Rule 1: the next turn comes, never at once again, and no later than the next heartbeat; one with a twin may be mute. */
function nextTurnIsDue({ after, nowMs, isTick }: Stepped): string | undefined {
  const { dueAtMs, phase, settings } = after;
  if (phase.kind === "stopped") return undefined;
  const inMs = dueAtMs - nowMs;
  if (!isTick) return inMs <= 0 ? undefined : `an input waits ${inMs} ms to be judged`;
  const latestMs = hasTwin(after, nowMs) ? Number.MAX_VALUE : settings.intervalMs;
  // Sums of fractions of a millisecond are not exact.
  return inMs > 0 && inMs <= latestMs + 1 ? undefined : `the next turn is due in ${inMs} ms`;
}

/** By their names, which stand in logs and in the names of reports. */
export const INVARIANTS: Readonly<Record<string, Invariant>> = {
  "terms-rise": termsRise,
  "active-has-term": activeHasTerm,
  "counters-rise": countersRise,
  "stop-is-final": stopIsFinal,
  "tenure-begins-unproven": tenureBeginsUnproven,
  "only-active-has-leases": onlyActiveHasLeases,
  "leases-are-wanted": leasesAreWanted,
  "kernel-is-known": kernelIsKnown,
  "standby-lets-go": standbyLetsGo,
  "lease-runs": leaseRuns,
  "renewal-is-due": renewalIsDue,
  "taking-waits": takingWaits,
  "work-fits-role": workFitsRole,
  "foreign-removals-run": foreignRemovalsRun,
  "lists-are-bounded": listsAreBounded,
  "next-turn-is-due": nextTurnIsDue,
};

const ENTRIES = Object.entries(INVARIANTS);

/** Looks at all of them after a step. @throws InvariantError for the first that does not hold. */
export function checkInvariants(before: State, after: State, input: Input, nowMs: number): void {
  const stepped = { before, after, nowMs, isTick: input.kind === "tick" };
  for (const [name, holds] of ENTRIES) {
    const problem = holds(stepped);
    if (problem !== undefined) throw new InvariantError(name, problem, { input, after });
  }
}
