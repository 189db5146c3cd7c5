import { mkdirSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TandemError } from "../lib/errors.ts";

/** A state file of ours is some kilobytes; a larger one is not ours. */
const STATE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * A small JSON file that survives a crash at any moment: written beside itself and renamed. Writes happen off the main
 * thread and one after the other; of several waiting ones only the newest is written.
 */
export class StateFile {
  readonly path: string;
  readonly #onError: (reason: string) => void;
  #writing = false;
  #written: Promise<void> = Promise.resolve();
  #next: string | undefined;

  /** @param onError is told why a write failed; the daemon goes on with what it has in memory. */
  constructor(stateDir: string, name: string, onError: (reason: string) => void) {
    this.path = join(stateDir, name);
    this.#onError = onError;
  }

  /** The file's value, or undefined when it is absent or not readable as JSON (then `problem` is told). */
  read(onProblem: (problem: string) => void): unknown {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOENT") onProblem(`cannot read ${this.path}: ${String(error)}`);
      return undefined;
    }
    try {
      if (text.length > STATE_BYTES_MAX) throw new Error("it is too long");
      return JSON.parse(text);
    } catch (error) {
      onProblem(`${this.path} is not readable and is left aside: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }

  /** Writes `value` soon. */
  write(value: unknown): void {
    this.#next = `${JSON.stringify(value)}\n`;
    if (!this.#writing) this.#written = this.#writeAll();
  }

  /** Resolves when all that was to be written is written, or has failed. */
  settled(): Promise<void> {
    return this.#written;
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#next !== undefined) {
      const text = this.#next;
      this.#next = undefined;
      try {
        await mkdir(dirname(this.path), { recursive: true, mode: 0o755 });
        await writeFile(`${this.path}.new`, text, { mode: 0o600, flush: true });
        await rename(`${this.path}.new`, this.path);
      } catch (error) {
        this.#onError(`cannot write ${this.path}: ${error instanceof Error ? error.message : error}`);
      }
    }
    this.#writing = false;
  }
}

/** Makes the state directory where it is absent. @throws TandemError */
export function makeStateDir(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new TandemError({
      operation: "make the state directory",
      subject: stateDir,
      reason: cause instanceof Error ? cause.message : String(cause),
      hint: "drains, holds and the history are kept there; --state-dir names another directory",
      cause,
    });
  }
}
