import type { RouterId } from "../model/pair.ts";
import { textDigest } from "./configuration.ts";
import type { SideInterfaces } from "./failover-settings.ts";
import { StateDirectory, type StateFile } from "./state-store.ts";

export const APPLIED_FILE = "applied.json";

/** The configuration that was put in force last, as it stood in its file. */
export interface AppliedConfig {
  readonly path: string;
  readonly text: string;
  readonly digest: string;
  /** Wall-clock time, ISO 8601. */
  readonly at: string;
  /** What was being tried when the process ended: some of it may be in the kernel. */
  readonly trying?: string;
}

/** The same on a running router, with what else tells what a reload would change there. */
export interface AppliedHere extends AppliedConfig {
  readonly router: RouterId;
  readonly interfaces: SideInterfaces;
  /** Of the heartbeats' keys (`keysDigest`). */
  readonly keys: string;
}

/** What a start does without the record, a clause for the log. */
export const WITHOUT_APPLIED =
  "the configuration that was in force last is not known, and this start has the configuration's file alone";

/**
 * What the state directory has of it; undefined: nothing that can be used.
 * @param onProblem gets what is wrong with something that is there
 */
export function readApplied(value: unknown, onProblem: (problem: string) => void): AppliedConfig | undefined {
  if (value === undefined) return undefined;
  const { path, text, digest, at, trying } = Object(value) as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || typeof text !== "string" || typeof at !== "string") {
    onProblem("it is no record of a configuration");
    return undefined;
  }
  if (digest !== textDigest(text)) {
    onProblem("it was damaged: its text is not the one that was kept");
    return undefined;
  }
  return { path, text, digest, at, ...(typeof trying === "string" ? { trying } : {}) };
}

/**
 * What a process before this one kept; undefined: nothing that can be used.
 * @param onProblem gets why a record that is there cannot be used; `KeptState`, which will write it, logs that too
 */
export function loadApplied(stateDir: string, onProblem: (problem: string) => void): AppliedConfig | undefined {
  const events = { now: () => 0, onProblem, onMended: () => {} };
  const file = new StateDirectory(stateDir, events).file(APPLIED_FILE, WITHOUT_APPLIED);
  return readApplied(file.read(), (problem) => file.leaveAside(problem));
}

/** Keeps it on disk. @returns why it is not there; undefined: it is. */
export async function keepApplied(file: StateFile, applied: AppliedConfig): Promise<string | undefined> {
  file.write({ version: 1, ...applied });
  return await file.tried();
}
