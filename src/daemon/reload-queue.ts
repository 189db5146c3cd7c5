/** What came of a reload. */
export interface ReloadResult {
  readonly ok: boolean;
  readonly text: string;
}

/** Between two reloads there is at least this time … */
const GAP_MIN_MS = 200;
/** … and so many times what the last one took: heartbeats go before. */
const GAP_RELOADS = 10;
/** Each is a client of the control socket, or a signal. */
const WAITING_MAX = 1_000;

/**
 * Requests for reloads, merged: one at a time, with time for all else between them. A reload that begins after a request
 * reads the file after it, so all that wait get the result of the same one.
 */
export class ReloadQueue {
  readonly #reload: () => ReloadResult;
  /** Monotonic milliseconds. */
  readonly #now: () => number;
  #waiting: ((result: ReloadResult) => void)[] = [];
  #timer: Timer | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(reload: () => ReloadResult, now: () => number) {
    this.#reload = reload;
    this.#now = now;
  }

  /** `done` gets the result of the next reload. */
  request(done: (result: ReloadResult) => void): void {
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(done);
    else done({ ok: false, text: "too many reloads wait already" });
    this.#timer ??= setTimeout(() => this.#run(), Math.max(0, this.#notBeforeMs - this.#now()));
  }

  /** Nothing is reloaded any more; those who wait are told. */
  close(): void {
    clearTimeout(this.#timer);
    this.#answer({ ok: false, text: "this router is ending" });
  }

  #run(): void {
    this.#timer = undefined;
    const beganMs = this.#now();
    const result = this.#reload();
    const elapsedMs = this.#now() - beganMs;
    this.#notBeforeMs = this.#now() + Math.max(GAP_MIN_MS, GAP_RELOADS * elapsedMs);
    this.#answer(result);
  }

  #answer(result: ReloadResult): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done(result);
  }
}
