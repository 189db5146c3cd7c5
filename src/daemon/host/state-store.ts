/** Files of the state directory: read once, written soon, tried again while the disk takes nothing. */
import { basename, join } from "node:path";
import { systemReason } from "../../lib/system-reason.ts";
import { readRegularFile } from "./plain-file.ts";
import { type ReplaceFile, replaceFile } from "./replace-file.ts";

/** A state file of ours is some kilobytes; a larger one is not ours. */
export const STATE_BYTES_MAX = 16 * 1024 * 1024;
/** What could not be written is tried again this often: a full disk gets room, a directory comes back. */
const RETRY_MS = 5_000;
/** Nobody waits longer for a disk that does not answer, neither an operator nor the status. */
const TRY_LIMIT_MS = 2_000;
const NO_ANSWER = "the disk does not answer";
/** What cannot be used is not written over, but kept under this name. */
const ASIDE = ".unusable";

/** A file that could not be written, and is being tried again. */
export interface StateFailure {
  /** Its name within the directory. */
  readonly file: string;
  readonly reason: string;
  readonly sinceMs: number;
}

export interface StateEvents {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** A file could not be read or used; or state cannot be kept, said once for each reason. */
  readonly onProblem: (problem: string) => void;
  /** All that was to be kept is kept again. */
  readonly onMended: (message: string) => void;
}

/**
 * The state directory of a process: small JSON files that survive a crash at any moment. They are written in another
 * thread, one at a time (a disk that does not answer must not take all threads that the engine has for files), and of
 * several values of a file that wait only the newest is written. What fails is tried again until it is written, and
 * neither ends nor delays the process, which goes on with what it has in memory.
 */
export class StateDirectory {
  readonly path: string;
  readonly #events: StateEvents;
  readonly #replace: ReplaceFile;
  readonly #retryMs: number;
  readonly #files: StateFile[] = [];
  #work: Promise<void> | undefined;
  #retryTimer: Timer | undefined;
  #said: string | undefined;

  /** @param surroundings for tests: how a file is replaced, and how soon what failed is tried again */
  constructor(
    path: string,
    events: StateEvents,
    surroundings: { readonly replace?: ReplaceFile; readonly retryMs?: number } = {},
  ) {
    this.path = path;
    this.#events = events;
    this.#replace = surroundings.replace ?? replaceFile;
    this.#retryMs = surroundings.retryMs ?? RETRY_MS;
  }

  /**
   * A file of this directory; to be called once for each.
   * @param without what the process does when it cannot use the file, a clause
   */
  file(name: string, without?: string): StateFile {
    const file = new StateFile(join(this.path, name), this.#events, () => this.#writeSoon(), without);
    this.#files.push(file);
    return file;
  }

  /** What cannot be kept now. */
  get failures(): readonly StateFailure[] {
    return this.#files.flatMap((file) => file.failure ?? []);
  }

  /** Resolves when all that was to be written is written, or has been tried. */
  async settled(): Promise<void> {
    await this.#work;
  }

  #writeSoon(): void {
    this.#work ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    clearTimeout(this.#retryTimer);
    const next = () => this.#files.find((file) => file.isDue);
    for (let file = next(); file !== undefined; file = next()) {
      const limit = setTimeout(() => this.#say(), TRY_LIMIT_MS + 1);
      await file.tryToWrite(this.#replace);
      clearTimeout(limit);
      this.#say();
    }
    this.#work = undefined;
    if (this.failures.length > 0) this.#retryLater();
  }

  #retryLater(): void {
    this.#retryTimer = setTimeout(() => {
      for (const file of this.#files) file.tryAgain();
    }, this.#retryMs);
    // A process that is at its end does not wait for it.
    this.#retryTimer.unref();
  }

  #say(): void {
    const [first] = this.failures;
    if (first?.reason === this.#said) return;
    this.#said = first?.reason;
    if (first === undefined) this.#events.onMended(`state is kept in ${this.path} again`);
    else {
      const lost = "what changes from now on is lost at a restart, unless it can be written until then";
      this.#events.onProblem(`cannot write ${join(this.path, first.file)}: ${first.reason}; ${lost}`);
    }
  }
}

/** One file of a state directory, by which it is made. */
export class StateFile {
  readonly path: string;
  readonly #events: StateEvents;
  readonly #onDue: () => void;
  readonly #without: string | undefined;
  #wanted: { readonly value: unknown; readonly text: string } | undefined;
  #saved: unknown;
  #failure: StateFailure | undefined;
  #tryingSinceMs: number | undefined;
  #isAside = false;
  #waiting: (() => void)[] = [];
  #isDue = false;

  constructor(path: string, events: StateEvents, onDue: () => void, without?: string) {
    this.path = path;
    this.#events = events;
    this.#onDue = onDue;
    this.#without = without;
  }

  /** Why the newest value is not on the disk: it could not be written, and is being tried again. */
  get failure(): StateFailure | undefined {
    const sinceMs = this.#tryingSinceMs;
    if (this.#failure !== undefined || sinceMs === undefined) return this.#failure;
    const isLate = this.#events.now() - sinceMs > TRY_LIMIT_MS;
    return isLate ? { file: basename(this.path), reason: NO_ANSWER, sinceMs } : undefined;
  }

  /** What the disk has, as far as this process knows: what it read, or wrote last. */
  get saved(): unknown {
    return this.#saved;
  }

  /** Whether there is something to write now. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** The file's value, or undefined when it is absent or cannot be used. */
  read(): unknown {
    try {
      const text = readRegularFile(this.path, STATE_BYTES_MAX);
      this.#saved = text === undefined ? undefined : JSON.parse(text);
    } catch (error) {
      this.leaveAside(systemReason(error));
    }
    return this.#saved;
  }

  /** What the file says is of no use: it is kept under another name when a new one is written. */
  leaveAside(problem: string): void {
    this.#saved = undefined;
    this.#isAside = true;
    const then = this.#without === undefined ? "" : `; ${this.#without}`;
    this.#events.onProblem(`${this.path} is left aside: ${problem}${then}`);
  }

  /** Writes `value`, which is not changed any more, soon. */
  write(value: unknown): void {
    this.#wanted = { value, text: `${JSON.stringify(value)}\n` };
    this.#isDue = true;
    this.#onDue();
  }

  /** Writes again what could not be written. */
  tryAgain(): void {
    if (this.#wanted === undefined) return;
    this.#isDue = true;
    this.#onDue();
  }

  /**
   * Resolves when the newest value has been written, or tried, or not within a moment.
   * @returns why it is not on the disk; undefined: it is.
   */
  async tried(limitMs = TRY_LIMIT_MS): Promise<string | undefined> {
    if (this.#wanted === undefined) return undefined;
    if (!this.#isDue && this.#tryingSinceMs === undefined) return this.#failure?.reason;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push(() => resolve(true));
    const limit = setTimeout(() => resolve(false), limitMs);
    const isTried = await promise;
    clearTimeout(limit);
    return this.#failure?.reason ?? (isTried ? undefined : NO_ANSWER);
  }

  /** One try; never rejects. */
  async tryToWrite(replace: ReplaceFile): Promise<void> {
    const wanted = this.#wanted;
    this.#isDue = false;
    if (wanted === undefined) return;
    this.#tryingSinceMs = this.#events.now();
    try {
      await replace(this.path, wanted.text, this.#isAside ? `${this.path}${ASIDE}` : undefined);
      this.#isAside = false;
      this.#saved = wanted.value;
      this.#failure = undefined;
      if (this.#wanted === wanted) this.#wanted = undefined;
    } catch (error) {
      const sinceMs = this.#failure?.sinceMs ?? this.#events.now();
      this.#failure = { file: basename(this.path), reason: systemReason(error), sinceMs };
    }
    this.#tryingSinceMs = undefined;
    // A newer value is tried at once, and those who wait are told of that one.
    if (!this.#isDue) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
