import type { Verdict } from "../../model/health-check.ts";

/** What is kept of a probe for people: the times of its last attempts, and how its verdict changed. */

/** Attempts that the percentiles are made of. */
export const TIMES_KEPT = 64;
/** Changes of the verdict that are kept. */
export const CHANGES_KEPT = 16;

export interface ProbeTimes {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly samples: number;
}

export interface PastChange {
  readonly to: Verdict;
  /** Monotonic. */
  readonly atMs: number;
  readonly reason: string;
}

export class ProbeRecord {
  readonly #times = new Float32Array(TIMES_KEPT);
  #count = 0;
  #changes: readonly PastChange[] = [];

  /** The latest first. */
  get changes(): readonly PastChange[] {
    return this.#changes;
  }

  addTime(elapsedMs: number): void {
    this.#times[this.#count % TIMES_KEPT] = elapsedMs;
    this.#count += 1;
  }

  addChange(change: PastChange): void {
    this.#changes = [change, ...this.#changes.slice(0, CHANGES_KEPT - 1)];
  }

  /** Of the last attempts that succeeded; undefined before the first one. */
  times(): ProbeTimes | undefined {
    const samples = Math.min(this.#count, TIMES_KEPT);
    if (samples === 0) return undefined;
    const sorted = this.#times.slice(0, samples).sort();
    // The smallest time that so many percent of the attempts did not take longer than.
    const percentile = (percent: number) => sorted[Math.ceil((percent * samples) / 100) - 1] ?? 0;
    return { p50Ms: percentile(50), p99Ms: percentile(99), samples };
  }
}
