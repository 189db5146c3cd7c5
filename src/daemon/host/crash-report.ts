/** What a process that breaks leaves behind: its state as JSON, for a report. Bounded, and without secrets. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { InvariantError } from "../../lib/invariant-error.ts";
import { systemReason } from "../../lib/system-reason.ts";
import { VERSION } from "../../lib/version.ts";
import { replaceFile } from "./replace-file.ts";

/** One that breaks again and again leaves so many, the last ones. */
const REPORTS_KEPT = 3;
/** A mail takes it, and a disk has room for it. */
const REPORT_LENGTH_MAX = 256 * 1024;
const LIST_LENGTH_MAX = 200;
const DEPTH_MAX = 12;
const TEXT_LENGTH_MAX = 1_000;
/** Of a value, with what is around it. */
const CHARACTERS_AT_LEAST = 4;
/** From these nonces and boot ids follow, which nobody may know before they are sent. */
const SECRETS: ReadonlySet<string> = new Set(["seed", "nonce", "echoNonce"]);
/** The end of a process waits no longer for a disk. */
const WRITE_LIMIT_MS = 500;

/** Makes of any value what JSON can hold, until so many characters are used up. */
class Plain {
  #left = REPORT_LENGTH_MAX;

  /** Maps and sets become lists, long lists are cut, and numbers that JSON has no word for become text. */
  of(value: unknown, depth = 0): unknown {
    this.#left -= CHARACTERS_AT_LEAST;
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    if (typeof value === "bigint") return String(value);
    if (value === null || typeof value !== "object") return value;
    if (this.#left <= 0 || depth >= DEPTH_MAX) return "…";
    if (Array.isArray(value)) return this.#list(value, depth);
    if (value instanceof Map || value instanceof Set) return this.#list([...value], depth);
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
    return this.#record(value, depth);
  }

  #text(text: string): string {
    const shown = text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)} …`;
    this.#left -= shown.length;
    return shown;
  }

  #list(values: readonly unknown[], depth: number): unknown[] {
    const shown: unknown[] = [];
    for (const value of values) {
      if (shown.length >= LIST_LENGTH_MAX || this.#left <= 0) {
        shown.push(`and ${values.length - shown.length} more`);
        break;
      }
      shown.push(this.of(value, depth + 1));
    }
    return shown;
  }

  #record(value: object, depth: number): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      if (this.#left <= 0) break;
      this.#left -= name.length;
      shown[name] = SECRETS.has(name) ? "left out" : this.of(member, depth + 1);
    }
    return shown;
  }
}

/** One line about an error. */
export function crashSummary(error: unknown): string {
  if (error instanceof InvariantError) return error.reason;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Where it was thrown, in one line. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).replace(/\s*\n\s*/g, " | ") : String(error);
}

/** `20261201T101502Z`. */
function stamp(at: Date): string {
  return at.toISOString().replace(/\.\d+|[-:]/g, "");
}

/** The report of one breakdown. */
export class CrashReport {
  /** Where it is written. */
  readonly path: string;
  /** What happened, in one line. */
  readonly summary: string;
  readonly #stateDir: string;
  readonly #process: "router" | "balancer";
  readonly #error: unknown;
  readonly #at: Date;

  constructor(stateDir: string, process: "router" | "balancer", error: unknown, at: Date) {
    const what = error instanceof InvariantError ? error.invariant : error instanceof Error ? error.name : "error";
    this.path = join(stateDir, `report-${process}-${what.replace(/[^\w-]/g, "_")}-${stamp(at)}.json`);
    this.summary = crashSummary(error);
    this.#stateDir = stateDir;
    this.#process = process;
    this.#error = error;
    this.#at = at;
  }

  /** Writes it, and removes all but the last ones. @returns why it could not be written, within a moment; undefined: it is. */
  async write(state: unknown): Promise<string | undefined> {
    const limit = Promise.withResolvers<string>();
    const timer = setTimeout(() => limit.resolve("the disk does not answer"), WRITE_LIMIT_MS);
    const written = this.#write(state).then(
      () => undefined,
      (error: unknown) => systemReason(error),
    );
    const problem = await Promise.race([written, limit.promise]);
    clearTimeout(timer);
    return problem;
  }

  async #write(state: unknown): Promise<void> {
    const error = this.#error;
    const content = new Plain().of({
      version: 1,
      software: VERSION,
      at: this.#at.toISOString(),
      process: this.#process,
      reason: this.summary,
      ...(error instanceof InvariantError ? { invariant: error.invariant, evidence: error.evidence } : {}),
      ...(error instanceof Error ? { stack: (error.stack ?? "").split("\n") } : {}),
      state,
    });
    await replaceFile(this.path, `${JSON.stringify(content)}\n`);
    await this.#forgetOld();
  }

  /** By the times in their names; those of the other process are its own affair. */
  async #forgetOld(): Promise<void> {
    const timeOf = (name: string) => name.slice(name.lastIndexOf("-"));
    const own = (await readdir(this.#stateDir)).filter(
      (name) => name.startsWith(`report-${this.#process}-`) && name.endsWith(".json"),
    );
    const old = own.toSorted((a, b) => timeOf(b).localeCompare(timeOf(a))).slice(REPORTS_KEPT);
    for (const name of old) await rm(join(this.#stateDir, name), { force: true });
  }
}
