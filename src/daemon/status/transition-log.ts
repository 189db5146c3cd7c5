import type { Transition } from "../../failover/machine/history.ts";
import { HISTORY_LIMIT } from "../../failover/machine/settings.ts";
import type { StateFile } from "../host/state-store.ts";
import { transitionStatus } from "./router-status.ts";
import type { TransitionStatus } from "./status-report.ts";
import { readStoredHistory } from "./stored-state.ts";

/** Transitions as they are shown: how long ago is by this machine's wall clock, for reading only. */
export function newestFirst(transitions: readonly TransitionStatus[], at: Date): readonly TransitionStatus[] {
  return transitions
    .map((transition) => ({ ...transition, agoMs: Math.max(0, at.getTime() - new Date(transition.at).getTime()) }))
    .toReversed();
}

/** Every transition of this router, those of former processes too, kept on disk; the oldest go first. */
export class TransitionLog {
  readonly #file: StateFile;
  #transitions: readonly TransitionStatus[];

  constructor(file: StateFile) {
    this.#file = file;
    this.#transitions = readStoredHistory(file.read(), (problem) => file.leaveAside(problem)).slice(-HISTORY_LIMIT);
    // Also as it was: whether state can be kept is known from the start, and not at the first takeover.
    this.#save();
  }

  add(transition: Transition, nowMs: number, at: Date): void {
    this.#transitions = [...this.#transitions, transitionStatus(transition, nowMs, at)].slice(-HISTORY_LIMIT);
    this.#save();
  }

  /** Newest first. */
  list(at: Date): readonly TransitionStatus[] {
    return newestFirst(this.#transitions, at);
  }

  #save(): void {
    this.#file.write({ version: 1, transitions: this.#transitions });
  }
}
