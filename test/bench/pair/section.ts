/** The table of the pair's benchmark: medians with their spread, and how much of the peer's time tandem takes. */
import { dateText, machineText } from "../../support/machine.ts";
import { median } from "../measure.ts";
import { type Product, SETTINGS, type Setting } from "./contender.ts";
import { BENCH_ROWS } from "./rows.ts";
import type { TrialResult } from "./trial.ts";

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** `12 (8–40) ms`: the median, and in brackets the least and the most. */
function spread(values: readonly number[]): string {
  const least = Math.min(...values);
  const most = Math.max(...values);
  return `${milliseconds(median(values))} (${milliseconds(least)}–${milliseconds(most)}) ms`;
}

function twoOwners(results: readonly TrialResult[]): string {
  if (results.every((result) => result.stillTwo)) return "for ever";
  const values = results.map((result) => result.twoOwnersMs);
  return Math.max(...values) === 0 ? "0" : spread(values);
}

function lost(results: readonly TrialResult[]): string {
  const sum = (take: (result: TrialResult) => number) => results.reduce((total, result) => total + take(result), 0);
  return `${sum((result) => result.connectionsLost)} of ${sum((result) => result.connections)}`;
}

function line(name: string, ours: readonly TrialResult[], theirs: readonly TrialResult[]): string {
  const gaps = (results: readonly TrialResult[]) => results.map((result) => result.longestGapMs);
  const pause = Math.max(...[...ours, ...theirs].map((result) => result.probePauseMs));
  // A gap no longer than the probe's own pause says nothing.
  const seen = [ours, theirs].some((results) => results.some((one) => one.longestGapMs > one.probePauseMs));
  const ratio = seen ? `${(median(gaps(theirs)) / median(gaps(ours))).toFixed(1)} ×` : "no gap seen";
  const cells = [
    name,
    spread(gaps(ours)),
    spread(gaps(theirs)),
    ratio,
    twoOwners(ours),
    twoOwners(theirs),
    lost(ours),
    lost(theirs),
    `${milliseconds(pause)} ms`,
  ];
  return `| ${cells.join(" | ")} |`;
}

const HEAD = [
  "what happens to the active",
  "longest gap, tandem",
  "longest gap, keepalived",
  "ratio",
  "two owners, tandem",
  "two owners, keepalived",
  "connections lost, tandem",
  "connections lost, keepalived",
  "probe's longest pause",
];

const TITLES: Readonly<Record<Setting, string>> = {
  defaults: "Each product's defaults",
  "10ms": "Heartbeats every 10 ms (tandem: `dead_after` 30 ms; keepalived: `version 3`, `advert_int 0.01`)",
};

function table(results: readonly TrialResult[], setting: Setting): string {
  const of = (row: string, product: Product) =>
    results.filter((one) => one.row === row && one.product === product && one.setting === setting);
  const lines = BENCH_ROWS.flatMap(({ name }) => {
    const ours = of(name, "tandem");
    const theirs = of(name, "keepalived");
    return ours.length === 0 || theirs.length === 0 ? [] : [line(name, ours, theirs)];
  });
  if (lines.length === 0) return "";
  const head = `| ${HEAD.join(" | ")} |\n| ${HEAD.map(() => "---").join(" | ")} |`;
  return `### ${TITLES[setting]}\n\n${head}\n${lines.join("\n")}\n`;
}

function keepalivedVersion(): string {
  const { stderr } = Bun.spawnSync(["keepalived", "--version"], { stderr: "pipe" });
  return /v(\d\S*)/.exec(stderr.toString())?.[1] ?? "";
}

export function pairSection(results: readonly TrialResult[]): string {
  const counts = results.map(
    (result) =>
      results.filter(
        (one) => [one.row, one.product, one.setting].join() === [result.row, result.product, result.setting].join(),
      ).length,
  );
  const runs = Math.min(...counts);
  return `## Failover beside keepalived

Written by \`npm run bench:pair\` on ${dateText()}; keepalived ${keepalivedVersion()} of Debian, on the same network
namespaces, with the same probe, in turns. ${machineText()}. Each row at least ${runs} times.

Longest gap: between two answered datagrams of a probe at 1 kHz to the public VIP; the median, in brackets the least and
the most. Connections: 20 in each trial, open through the routers to a server behind them. Two owners: both kernels have
the VIP, looked at every ms; an agreed move of tandem may overlap by 20 ms. "For ever": still so when the trial ended.
After SIGKILL and SIGSTOP a kernel that keeps the address goes on answering, so that a small gap of a product that never
takes over is no merit: there the two owners count. The planned switch is \`tandem failover switch\`; keepalived has
SIGTERM for it. Fail-back: tandem with \`failback_after = "1s"\`.

${SETTINGS.map((setting) => table(results, setting))
  .filter((text) => text !== "")
  .join("\n")}`;
}
