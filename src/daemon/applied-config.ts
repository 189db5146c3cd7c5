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

/** What the state directory has of it; undefined: nothing that can be used. */
export function readApplied(value: unknown): AppliedConfig | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { path, text, digest, at, trying } = value as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || typeof text !== "string" || typeof at !== "string") return undefined;
  // A record that was damaged is none.
  if (digest !== textDigest(text)) return undefined;
  return { path, text, digest, at, ...(typeof trying === "string" ? { trying } : {}) };
}

/** What a process before this one kept; undefined: nothing that can be used. */
export function loadApplied(stateDir: string): AppliedConfig | undefined {
  // Who will write the file says what is wrong with it.
  const silent = { now: () => 0, onProblem: () => {}, onMended: () => {} };
  return readApplied(new StateDirectory(stateDir, silent).file(APPLIED_FILE).read());
}

/** Keeps it on disk. @returns why it is not there; undefined: it is. */
export async function keepApplied(file: StateFile, applied: AppliedConfig): Promise<string | undefined> {
  file.write({ version: 1, ...applied });
  return await file.tried();
}
