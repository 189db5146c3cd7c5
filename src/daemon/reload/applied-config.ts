/** The configuration in force, as it is kept on the disk. */
import type { RouterId } from "../../model/pair.ts";
import { StateDirectory, type StateFile } from "../host/state-store.ts";
import type { SideInterfaces } from "../settings/failover-settings.ts";
import { textDigest } from "./configuration.ts";

export const APPLIED_FILE = "applied.json";

/** The configuration that was put in force last, as it stood in its file. */
export interface AppliedConfig {
  readonly path: string;
  readonly text: string;
  readonly digest: string;
  /** Wall-clock time, ISO 8601. */
  readonly at: string;
  /** Another one, of which something may be in the kernel: it was being tried, or was in force before. */
  readonly beside?: string;
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
  const { path, text, digest, at, beside } = Object(value) as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || typeof text !== "string" || typeof at !== "string") {
    onProblem("it is no record of a configuration");
    return undefined;
  }
  if (digest !== textDigest(text)) {
    onProblem("it was damaged: its text is not the one that was kept");
    return undefined;
  }
  return { path, text, digest, at, ...(typeof beside === "string" ? { beside } : {}) };
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

/** What of the configuration in force, and of another one beside it, is on the disk. */
export class AppliedRecord {
  readonly #file: Pick<StateFile, "write" | "tried">;
  readonly #inForce: () => AppliedConfig;
  #writes = 0;

  constructor(file: Pick<StateFile, "write" | "tried">, inForce: () => AppliedConfig) {
    this.#file = file;
    this.#inForce = inForce;
  }

  /** Why the configuration in force is not on the disk; undefined: it is. */
  unsaved(): Promise<string | undefined> {
    return this.#file.tried();
  }

  /** Another one is tried beside the one in force. */
  async note({ text }: Pick<AppliedConfig, "text">): Promise<void> {
    await this.#write({ ...this.#inForce(), beside: text });
  }

  /** Another one is going to be in force; what is now may be in the kernel until `settle`. @returns why it is not there */
  keep(next: AppliedConfig): Promise<string | undefined> {
    const { text } = this.#inForce();
    return this.#write(next.text === text ? next : { ...next, beside: text });
  }

  /** Nothing of another one is in the kernel. */
  async forget(): Promise<void> {
    await this.#write(this.#inForce());
  }

  /**
   * The same as soon as that is so, if nothing else has been kept by then.
   * @param isGone resolves when nothing of another one is in the kernel; false: something may be
   */
  async settle(isGone: Promise<boolean>): Promise<void> {
    const writes = this.#writes;
    if ((await isGone) && writes === this.#writes) await this.forget();
  }

  #write(applied: AppliedConfig): Promise<string | undefined> {
    this.#writes += 1;
    this.#file.write({ version: 1, ...applied });
    return this.#file.tried();
  }
}
