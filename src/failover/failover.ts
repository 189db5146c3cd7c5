/** One router's failover machine: the only entry to this folder besides the types. Pure; time is passed in. */
import type { Effect, StoredState } from "./effect.ts";
import type { Input } from "./input.ts";
import type { FailoverSettings } from "./settings.ts";
import type { State } from "./state.ts";

export interface Boot {
  readonly settings: FailoverSettings;
  /** What `persist` last wrote; absent at the very first start. */
  readonly stored?: StoredState;
  /** 64 hexadecimal digits from the system's random source: nonces, boot id and agreement ids come from it. */
  readonly seed: string;
  readonly nowMs: number;
}

export interface StepResult {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** The state of a router that has just started; its first input is `start`. */
export declare function createState(boot: Boot): State;

/** Takes one input at `nowMs` (monotonic) and says what follows from it. Never throws but for a programmer's error. */
export declare function step(state: State, input: Input, nowMs: number): StepResult;

/** When the next `tick` is due at the latest; undefined once the machine has exited. */
export declare function nextDeadline(state: State): number | undefined;
