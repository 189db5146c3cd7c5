/** Reloads one after the other; those that come meanwhile are one. */
import { type ReloadCause, type ReloadResult, refused } from "./reload-result.ts";

/** What somebody wants of a reload. */
export interface ReloadRequest {
  readonly by: ReloadCause;
  /** It may take all VIPs or all services away. */
  readonly force: boolean;
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
  readonly #reload: (request: ReloadRequest) => Promise<ReloadResult>;
  /** Monotonic milliseconds. */
  readonly #now: () => number;
  #waiting: { readonly request: ReloadRequest; readonly done: (result: ReloadResult) => void }[] = [];
  #isReloading = false;
  #isClosed = false;
  #timer: Timer | undefined;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(reload: (request: ReloadRequest) => Promise<ReloadResult>, now: () => number) {
    this.#reload = reload;
    this.#now = now;
  }

  /** `done` gets the result of the next reload. */
  request(request: ReloadRequest, done: (result: ReloadResult) => void): void {
    if (this.#isClosed) done(refused({ text: "this router is ending", exitCode: 1 }));
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ request, done });
    else done(refused({ text: "too many reloads wait already", exitCode: 1 }));
    this.#schedule();
  }

  /** Nothing is reloaded any more; those who wait are told. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { done } of this.#waiting.splice(0)) done(refused({ text: "this router is ending", exitCode: 1 }));
  }

  #schedule(): void {
    if (this.#isReloading || this.#isClosed || this.#waiting.length === 0) return;
    this.#timer ??= setTimeout(() => void this.#run(), Math.max(0, this.#notBeforeMs - this.#now()));
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    // Whoever asks from now on may have changed the file after it was read.
    const waiting = this.#waiting.splice(0);
    const force = waiting.some(({ request }) => request.force);
    // A signal is the least that somebody can say: who asked by the socket is told of.
    const by = waiting.some(({ request }) => request.by === "operator") ? "operator" : "signal";
    const beganMs = this.#now();
    this.#isReloading = true;
    const result = await this.#reload({ by, force });
    this.#isReloading = false;
    const elapsedMs = this.#now() - beganMs;
    this.#notBeforeMs = this.#now() + Math.max(GAP_MIN_MS, GAP_RELOADS * elapsedMs);
    for (const { done } of waiting) done(result);
    this.#schedule();
  }
}
