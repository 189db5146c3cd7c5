/**
 * `npm run bench:pair [-- --runs N] [--row TEXT]… [--setting defaults|10ms] [--keep FILE]`: tandem beside Debian's
 * keepalived on the same network, in turns; prints a table and writes it into docs/benchmarks.md.
 * With `--keep` the trials are kept in a file, and the document is written from all of it.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../../src/build/binary.ts";
import { exitStatus, runInLab } from "../../lab/run-in-lab.ts";
import { writeSection } from "../../support/document-section.ts";
import { PRODUCTS, type Product, SETTINGS, type Setting } from "./contender.ts";
import { BENCH_ROWS, type BenchRow } from "./rows.ts";
import { pairSection } from "./section.ts";
import type { TrialResult } from "./trial.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const DOCUMENT = join(ROOT, "docs/benchmarks.md");
const TRIAL_LIMIT_MS = 90_000;
const RUNS_DEFAULT = 5;
const ATTEMPTS = 2;

interface Options {
  readonly runs: number;
  readonly rows: readonly string[];
  readonly settings: readonly Setting[];
  readonly keep: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      runs: { type: "string" },
      row: { type: "string", multiple: true },
      setting: { type: "string" },
      keep: { type: "string" },
    },
  });
  const settings = SETTINGS.filter((setting) => values.setting === undefined || values.setting === setting);
  return { runs: Number(values.runs ?? RUNS_DEFAULT), rows: values.row ?? [], settings, keep: values.keep };
}

/** A lab for each trial: what one leaves behind, the next does not see. */
async function trial(row: BenchRow, product: Product, setting: Setting, folder: string): Promise<TrialResult> {
  const file = join(folder, "result.json");
  rmSync(file, { force: true });
  for (let attempt = 1; ; attempt++) {
    const place = String(BENCH_ROWS.indexOf(row));
    const command = [process.execPath, "test/bench/pair/inside.ts", place, product, setting, file];
    const outcome = await runInLab(command, { kind: "namespaces", directory: ROOT, timeLimitMs: TRIAL_LIMIT_MS });
    if (outcome.kind === "interrupted") throw new Error("interrupted: the document stays as it was");
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as TrialResult;
    if (attempt === ATTEMPTS) throw new Error(`${row.name}, ${product}, ${setting}: exit ${exitStatus(outcome)}`);
  }
}

function tell(result: TrialResult): void {
  const two = result.stillTwo ? "for ever" : `${result.twoOwnersMs.toFixed(1)} ms`;
  process.stdout.write(
    `${result.setting.padEnd(9)} ${result.row.padEnd(34)} ${result.product.padEnd(11)} ` +
      `gap ${result.longestGapMs.toFixed(1)} ms (pause ${result.probePauseMs.toFixed(1)}), two owners ${two}, ` +
      `${result.connectionsLost} of ${result.connections} connections lost\n`,
  );
}

async function main({ runs, rows, settings, keep }: Options): Promise<number> {
  if (process.env["TANDEM_BINARY"] === undefined && build(join(ROOT, "dist/tandem")) !== 0) return 1;
  const folder = mkdtempSync(join(tmpdir(), "tandem-bench-pair-"));
  const results: TrialResult[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      for (const setting of settings) {
        for (const row of BENCH_ROWS) {
          const named = rows.length === 0 || rows.some((text) => row.name.includes(text));
          if (!named || !row.settings.includes(setting)) continue;
          for (const product of PRODUCTS) {
            const result = await trial(row, product, setting, folder);
            tell(result);
            results.push(result);
            if (keep !== undefined) appendFileSync(keep, `${JSON.stringify(result)}\n`);
          }
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const all = keep === undefined ? results : readResults(keep);
  const section = pairSection(all);
  process.stdout.write(`\n${section}`);
  if (keep !== undefined || rows.length === 0) writeSection(DOCUMENT, "Benchmarks", "pair", section);
  return 0;
}

function readResults(file: string): TrialResult[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as TrialResult);
}

process.exit(await main(readOptions()));
