/** Why the role changed (rule 15): a bounded trail of what happened, and a record of each transition with it. */
import type { Role } from "../../model/pair.ts";

/** One link of a causal chain. `name` is stable, `text` is for people. */
export interface Cause {
  readonly atMs: number;
  readonly name: string;
  readonly text: string;
}

/** A change of role, with the causes in their order; monotonic times, for the daemon to print beside wall-clock time. */
export interface Transition {
  readonly atMs: number;
  readonly from: Role;
  readonly to: Role;
  readonly term: number;
  /** One word: `peer-silent`, `peer-left`, `handed-over`, `higher-term`, `lease-lost` … */
  readonly reason: TransitionReason;
  readonly causes: readonly Cause[];
}

/** What happened longer ago is no cause of a transition. */
export const CAUSE_AGE_MS = 60_000;

/** What became well again … */
const RECOVERIES: ReadonlySet<string> = new Set([
  "carrier",
  "path-back",
  "side-seen",
  "fit",
  "gate-passing",
  "provable",
  "config-same",
  "views-agree",
  "verified",
  "conflict-over",
]);
/** … this long before a transition has not led to it. */
const RECOVERY_AGE_MS = 10_000;

/** The links of the trail that led, or may have led, to a transition now. */
export function causesOf(trail: readonly Cause[], nowMs: number): readonly Cause[] {
  return trail.filter(({ atMs, name }) => {
    return nowMs - atMs <= (RECOVERIES.has(name) ? RECOVERY_AGE_MS : CAUSE_AGE_MS);
  });
}

export const TRANSITION_REASONS = [
  "adopted",
  "peer-silent",
  "peer-left",
  "peer-lapsed",
  "nobody-active",
  "handed-over",
  "operator",
  "higher-term",
  "lease-lost",
  "lease-failed",
  "alone",
  "second-owner",
  "stopped",
  "released",
] as const;
export type TransitionReason = (typeof TRANSITION_REASONS)[number];
