import { openSync } from "node:fs";

/** Times of whole processes, start to exit. */

export interface Job {
  readonly command: readonly string[];
  /** A file for standard input. */
  readonly input?: string;
  /** Another exit code than 0 that is right. */
  readonly exitCode?: number;
}

/**
 * Runs a program to its end, its output thrown away.
 * @returns milliseconds.
 * @throws when it fails, with what it wrote on standard error.
 */
export function timeProcess({ command, input, exitCode: expected = 0 }: Job): number {
  const stdin = input === undefined ? "ignore" : openSync(input, "r");
  const beganMs = performance.now();
  const { exitCode, stderr } = Bun.spawnSync([...command], { stdin, stdout: "ignore", stderr: "pipe" });
  const tookMs = performance.now() - beganMs;
  if (exitCode !== expected)
    throw new Error(`${command.join(" ")}: exit ${exitCode}: ${stderr.toString().slice(0, 500)}`);
  return tookMs;
}

/** The middle one of several times, the lower one of two; NaN of none. */
export function median(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** The times of one operation. */
export class Sample {
  readonly #times: number[] = [];

  add(ms: number): void {
    this.#times.push(ms);
  }

  /** Of the times of each turn, this one's share of the other's; none where one of the two did not always come to its end. */
  sharesOf(other: Sample): readonly number[] {
    if (this.#times.length !== other.#times.length) return [];
    return this.#times.map((ms, turn) => ms / (other.#times[turn] ?? Number.NaN));
  }

  /** NaN: none came to its end. */
  get medianMs(): number {
    return median(this.#times);
  }

  /** `612 ms (598 to 655)`. */
  get text(): string {
    if (this.#times.length === 0) return "did not end";
    const least = formatMs(Math.min(...this.#times));
    const most = formatMs(Math.max(...this.#times));
    return this.#times.length === 1 ? formatMs(this.medianMs) : `${formatMs(this.medianMs)} (${least} to ${most})`;
  }
}

/** `830 ms`, `10.3 s`. */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** A line of a Markdown table. */
export function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |\n`;
}
