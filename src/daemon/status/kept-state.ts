/** The files of a router's state: terms, orders, history, settings, the configuration in force. */
import type { StoredState } from "../../failover/machine/effect.ts";
import type { State } from "../../failover/machine/state.ts";
import type { Logger } from "../../log/logger.ts";
import type { SharedEntry } from "../../model/shared-entry.ts";
import { StateDirectory, type StateFile } from "../host/state-store.ts";
import { APPLIED_FILE, readApplied, WITHOUT_APPLIED } from "../reload/applied-config.ts";
import { readSharedEntries, readStoredState } from "./stored-state.ts";

/** The transitions, also for those who ask when no daemon runs. */
export const HISTORY_FILE = "history.json";

/** What an operator changed that is to outlive the process. */
export type KeptOrder =
  /** A hold, drains and weights: both routers have them. */
  | "shared"
  /** A release of this router, or the end of one. */
  | "release";

/** An order that was done, and is not on the disk. */
export interface Unsaved {
  readonly reason: string;
  /** What that means, as a clause that follows the answer. */
  readonly text: string;
}

function unsavedText(what: string, reason: string): string {
  return `${what} could not be saved: ${reason}`;
}

/** What the router keeps on disk. */
export class KeptState {
  readonly failover: StateFile;
  readonly shared: StateFile;
  readonly history: StateFile;
  readonly sysctls: StateFile;
  readonly applied: StateFile;
  readonly directory: StateDirectory;

  constructor(stateDir: string, logger: Logger, now: () => number) {
    this.directory = new StateDirectory(stateDir, {
      now,
      onProblem: (problem) => logger.warn("state", problem),
      onMended: (message) => logger.info("state", message),
    });
    this.failover = this.directory.file("failover.json");
    this.shared = this.directory.file("shared.json");
    this.history = this.directory.file(HISTORY_FILE);
    this.sysctls = this.directory.file("sysctls.json");
    this.applied = this.directory.file(APPLIED_FILE, WITHOUT_APPLIED);
  }

  /** What earlier processes kept. */
  read(): { readonly stored?: StoredState; readonly shared?: readonly SharedEntry[] } {
    const stored = readStoredState(this.failover.read(), (problem) => this.failover.leaveAside(problem));
    const shared = readSharedEntries(this.shared.read(), (problem) => this.shared.leaveAside(problem));
    // The start has read it by itself, before there was a log.
    readApplied(this.applied.read(), (problem) => this.applied.leaveAside(problem));
    return { ...(stored === undefined ? {} : { stored }), ...(shared === undefined ? {} : { shared }) };
  }

  /** Waits a moment for the disk. @returns what has to be said of an order that is not on it; undefined: it is. */
  async unsaved(order: KeptOrder, state: () => State): Promise<Unsaved | undefined> {
    if (order === "shared") {
      const reason = await this.shared.tried();
      if (reason === undefined) return undefined;
      return {
        reason,
        text: `but ${unsavedText("it", reason)}; it is lost at a restart, unless the other router has it`,
      };
    }
    const isReleased = () => state().abstaining;
    // Whatever else is to be written there, terms and the like, nobody ordered.
    const isSaved = () => (readStoredState(this.failover.saved, () => {})?.abstaining ?? false) === isReleased();
    const reason = isSaved() ? undefined : await this.failover.tried();
    if (reason === undefined || isSaved()) return undefined;
    return isReleased()
      ? { reason, text: `but ${unsavedText("it", reason)}; it is lost at a restart` }
      : { reason, text: `but ${unsavedText("the end of the release", reason)}; after a restart it is released again` };
  }
}
