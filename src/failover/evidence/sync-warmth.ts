/** Whether the standby's kernel knows the connections, before a planned move (rule 10). */
import type { HeartbeatPayload, MoveReason } from "../../wire/heartbeat/heartbeat.ts";
import { isForDisadvantage } from "../machine/damping.ts";
import type { Move, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/**
 * This part of the time that a move may take is for waiting until the connections are known there: the rest is for the
 * move itself, which the other router's operator may be waiting for too.
 */
const WARM_SHARE = 0.8;

/** Old owner hurt: waiting for connections to be known there would lose more than it keeps. */
function isUrgent(reason: MoveReason): boolean {
  return isForDisadvantage(reason) || reason === "address-removed";
}

/** What the standby's kernel knows, as a clause. */
export function warmthText({ warmth }: State): string {
  return warmth === undefined
    ? "nothing is known of its connections"
    : `the peer knows ${warmth.present} of ${warmth.wanted} connections`;
}

/**
 * Whether a move still has to wait until the peer has been told of every connection. Without connection
 * synchronisation there is no warmth, and nothing to wait for.
 */
export function isCold({ warmth, toldFor }: State, move: Move): boolean {
  return warmth !== undefined && toldFor !== move.id && !isUrgent(move.reason);
}

/** When waiting for that ends. */
export function coldUntilMs({ sinceMs, limitMs }: Move): number {
  return sinceMs + limitMs * WARM_SHARE;
}

/**
 * What happens then: who wants the move gets it, at the price that is said. A fail-back is for nobody's sake, so it
 * does not break connections: it is put off.
 */
export function goesCold({ reason }: Move): boolean {
  return reason !== "failback";
}

/** Each path carries slices of its own: those of a packet that was overtaken count as well. */
export function hearConnections(turn: Turn, { sync }: HeartbeatPayload): void {
  if (sync?.answer !== undefined) turn.emit({ kind: "hear-connections", answer: sync.answer });
}
