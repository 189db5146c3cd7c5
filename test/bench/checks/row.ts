import type { Measured } from "./measure.ts";
import type { Load } from "./servers.ts";

/** A load of which less than this part was reached is told to be out of reach. */
const REACHED_PART = 0.95;

const COLUMNS = [
  "load",
  "product",
  "checks/s",
  "CPU of the checker",
  "per check",
  "of keepalived's",
  "probes later than their interval, p50 / p99 / most (ms)",
  "late by its own account, p50 / p99 (ms)",
  "heartbeats late, p99 / most (ms)",
  "an idle program's, p99 / most (ms)",
  "memory",
  "CPU of the router / of the idle program",
  "",
];

/** The first two lines of the table. */
export const HEAD = `| ${COLUMNS.join(" | ")} |\n|${" --- |".repeat(COLUMNS.length)}`;

function ms(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "–" : value.toFixed(value < 10 ? 1 : 0);
}

function times(...values: readonly (number | undefined)[]): string {
  return values.map(ms).join(" / ");
}

function remarks(load: Load, { checksPerSecond, note }: Measured): string {
  const isReached = checksPerSecond >= load.servers * REACHED_PART;
  return [note, isReached ? undefined : "**does not reach the load**"].filter((text) => text !== undefined).join("; ");
}

/** @param peer the same load with keepalived */
export function row(load: Load, measured: Measured, peer: Measured | undefined): string {
  const { lateness, heartbeats, beats, product } = measured;
  const cells = [
    `${load.kind} ${load.servers}/s`,
    product,
    measured.checksPerSecond.toFixed(0),
    `${measured.cpuPercent.toFixed(1)} %`,
    `${measured.cpuPerCheckUs.toFixed(0)} µs`,
    peer === undefined ? "" : (measured.cpuPerCheckUs / peer.cpuPerCheckUs).toFixed(2),
    times(lateness.p50Ms, lateness.p99Ms, lateness.maxMs),
    measured.ownP99Ms === undefined ? "" : times(measured.ownP50Ms, measured.ownP99Ms),
    heartbeats === undefined ? "" : times(heartbeats.p99Ms, heartbeats.maxMs),
    times(beats.p99Ms, beats.maxMs),
    `${measured.residentMiB.toFixed(0)} MiB`,
    `${product === "tandem" ? measured.otherCpuPercent.toFixed(1) : "–"} / ${measured.beatCpuPercent.toFixed(1)} %`,
    remarks(load, measured),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** A row for what could not be measured. */
export function failedRow(load: Load, product: string, why: string): string {
  const cells = [`${load.kind} ${load.servers}/s`, product, ...COLUMNS.slice(3).map(() => ""), why];
  return `| ${cells.join(" | ")} |`;
}
