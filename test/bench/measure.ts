import { openSync } from "node:fs";

/** Times of whole processes, start to exit. */

export interface Job {
  readonly command: readonly string[];
  /** A file for standard input. */
  readonly input?: string;
}

/**
 * Runs a program to its end, its output thrown away.
 * @returns milliseconds.
 * @throws when it fails, with what it wrote on standard error.
 */
export function timeProcess({ command, input }: Job): number {
  const stdin = input === undefined ? "ignore" : openSync(input, "r");
  const beganMs = performance.now();
  const { exitCode, stderr } = Bun.spawnSync([...command], { stdin, stdout: "ignore", stderr: "pipe" });
  const tookMs = performance.now() - beganMs;
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr.toString().slice(0, 500)}`);
  return tookMs;
}

/** The middle one of several times; what comes before and after each is not counted. */
export function median(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** `830 ms`, `10.3 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
