/** How punctually probes begin, for people and for the benchmark. */

/** The last so many turns are what the percentiles are made of: two seconds of the busiest balancer. */
const TURNS_KEPT = 8_192;

export interface PaceReport {
  /** Turns of probes since the balancer began. */
  readonly turns: number;
  readonly inFlight: number;
  /** How late the last turns began; absent before the first one. */
  readonly late?: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
}

export class ProbePace {
  readonly #lateMs = new Float32Array(TURNS_KEPT);
  #turns = 0;

  /** A probe's turn came so late. */
  note(lateMs: number): void {
    this.#lateMs[this.#turns % TURNS_KEPT] = lateMs;
    this.#turns += 1;
  }

  report(inFlight: number): PaceReport {
    const samples = Math.min(this.#turns, TURNS_KEPT);
    if (samples === 0) return { turns: 0, inFlight };
    const sorted = this.#lateMs.slice(0, samples).sort();
    const percentile = (percent: number) => sorted[Math.ceil((percent * samples) / 100) - 1] ?? 0;
    return {
      turns: this.#turns,
      inFlight,
      late: { p50Ms: percentile(50), p99Ms: percentile(99), maxMs: percentile(100) },
    };
  }
}
