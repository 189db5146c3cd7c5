import type { CheckMethod, CheckTarget, CheckTiming } from "./health-check.ts";

/** A gate: something on or near a router that must hold so that it is the right place for the VIPs. */

/** A heartbeat tells the state of each. */
export const GATES_MAX = 16;

export const GATE_EFFECTS = ["hand-over", "warn"] as const;
/** What follows when it fails: the VIPs move to a peer where it passes, or a warning alone. */
export type GateEffect = (typeof GATE_EFFECTS)[number];

export const GATE_TIMES = ["always", "active"] as const;
/** When it is checked: in each role, or only while its router is active. */
export type GateTime = (typeof GATE_TIMES)[number];

export const FILE_STATES = ["present", "absent", "zero", "not-negative", "not-positive"] as const;
/** What a file must be. A missing or empty one counts as 0 for the last three. */
export type FileState = (typeof FILE_STATES)[number];

/** What is looked at. */
export type GateSubject =
  | {
      readonly kind: "check";
      readonly method: CheckMethod;
      /** Absent: a program that is told no target. */
      readonly target?: CheckTarget;
    }
  /** A process of this name runs. */
  | { readonly kind: "process"; readonly name: string }
  /** It is there, up, and has a carrier. */
  | { readonly kind: "interface"; readonly name: string }
  | { readonly kind: "file"; readonly path: string; readonly state: FileState };

export type Gate = CheckTiming & {
  readonly name: string;
  readonly effect: GateEffect;
  readonly when: GateTime;
  readonly subject: GateSubject;
};

export const GATE_STATES = ["unknown", "passing", "failing"] as const;
export type GateState = (typeof GATE_STATES)[number];
