import { CLOCK_MONOTONIC, CLOCK_REALTIME } from "./constants.ts";
import { libc } from "./libc.ts";

/** struct timespec { time_t seconds; long nanoseconds; }, as 32-bit halves: no BigInt is made on this hot path. */
const timespec = new Uint32Array(4);
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const [LOW, HIGH] = LITTLE_ENDIAN ? [0, 1] : [1, 0];
const TWO_TO_32 = 0x1_0000_0000;

function readMs(clock: number): number {
  libc().clock_gettime(clock, timespec);
  const seconds = (timespec[LOW] ?? 0) + (timespec[HIGH] ?? 0) * TWO_TO_32;
  const nanoseconds = timespec[LOW + 2] ?? 0;
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/**
 * Milliseconds, with a fraction, since the machine started, without the time it was suspended. The same in every
 * process of this machine, and never set back.
 */
export function monotonicMs(): number {
  return readMs(CLOCK_MONOTONIC);
}

/** Milliseconds since 1970, for printing only: this clock jumps. */
export function realtimeMs(): number {
  return readMs(CLOCK_REALTIME);
}
