import type { Packet } from "./capture.ts";

/** How much later than the interval things came, from when they came. */
export interface Lateness {
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

function summarize(lateMs: readonly number[]): Lateness {
  const sorted = Float64Array.from(lateMs).sort();
  const percentile = (percent: number) => sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? Number.NaN;
  return { events: sorted.length, p50Ms: percentile(50), p99Ms: percentile(99), maxMs: percentile(100) };
}

/**
 * Between two packets to the same place lies an interval; what is more than that is lateness. It says nothing of a
 * schedule that drifts: each turn an interval after the end of the one before is on time here.
 */
export function intervalLateness(packets: readonly Packet[], intervalMs: number): Lateness {
  const last = new Map<number, number>();
  const lateMs: number[] = [];
  for (const { atMs, to } of packets) {
    const before = last.get(to);
    if (before !== undefined) lateMs.push(Math.max(0, atMs - before - intervalMs));
    last.set(to, atMs);
  }
  return summarize(lateMs);
}
