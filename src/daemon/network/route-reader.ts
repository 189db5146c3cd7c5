import type { RouteSurvey } from "../../kernel/addresses/route-client.ts";

export interface RouteReaderOptions {
  /** Has the routes read by the thread that may wait for the kernel; undefined: why they could not be read. */
  readonly read: (done: (routes: RouteSurvey | undefined, reason: string, elapsedMs: number) => void) => void;
  readonly onRoutes: (routes: RouteSurvey) => void;
  readonly onProblem: (message: string) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Between two readings there is at least this time … */
const GAP_MIN_MS = 50;
/** … and so many times what the last one took: 50,000 routes take 50 ms, in which no lease is renewed. */
const GAP_READINGS = 20;
/** Without any sign of a change: half a percent of a processor at the most. */
const IDLE_GAP_READINGS = 200;
const RETRY_MS = 1_000;

/** Reads the routes when they may have changed: once for a burst of changes, and the sooner the fewer routes there are. */
export class RouteReader {
  readonly #options: RouteReaderOptions;
  #timer: Timer | undefined;
  #reading = false;
  #isStale = false;
  #closed = false;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #elapsedMs = 0;

  constructor(options: RouteReaderOptions) {
    this.#options = options;
  }

  /** They may have changed. */
  want(): void {
    if (this.#closed) return;
    if (this.#reading) this.#isStale = true;
    else this.#readIn(this.#readAtMs + Math.max(GAP_MIN_MS, GAP_READINGS * this.#elapsedMs) - this.#options.now());
  }

  /** Nothing says that they have changed, but not every change is told. */
  wantNowAndThen(): void {
    if (this.#options.now() - this.#readAtMs >= IDLE_GAP_READINGS * this.#elapsedMs) this.want();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #readIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#read(), Math.max(0, ms));
  }

  #read(): void {
    this.#timer = undefined;
    this.#reading = true;
    this.#isStale = false;
    this.#options.read((routes, reason, elapsedMs) => {
      this.#reading = false;
      if (this.#closed) return;
      this.#readAtMs = this.#options.now();
      this.#elapsedMs = elapsedMs;
      if (routes === undefined) {
        this.#options.onProblem(`${reason}; tried again soon`);
        this.#readIn(RETRY_MS);
        return;
      }
      this.#options.onRoutes(routes);
      // Something happened that this reading may have missed.
      if (this.#isStale) this.want();
    });
  }
}
