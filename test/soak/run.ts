/**
 * `npm run soak [-- --minutes N] [--nice N]`: a pair with heartbeats every 10 ms beside CPU and disk load (default: an
 * hour). Prints a verdict and a table, and writes them into docs/benchmarks.md when it took ten minutes or more.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../src/build/binary.ts";
import { exitStatus, runInLab } from "../lab/run-in-lab.ts";
import { writeSection } from "../support/document-section.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DOCUMENT = join(ROOT, "docs/benchmarks.md");
const MINUTES_DEFAULT = "60";
const MINUTES_WRITTEN = 10;
const SET_UP_MS = 120_000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: { minutes: { type: "string" }, nice: { type: "string" } },
  });
  const minutes = values.minutes ?? MINUTES_DEFAULT;
  if (process.env["TANDEM_BINARY"] === undefined && build(join(ROOT, "dist/tandem")) !== 0) return 1;
  const folder = mkdtempSync(join(tmpdir(), "tandem-soak-"));
  const file = join(folder, "section.md");
  try {
    const command = [process.execPath, "test/soak/inside.ts", minutes, values.nice ?? "0", file];
    const timeLimitMs = Number(minutes) * 60_000 + SET_UP_MS;
    const outcome = await runInLab(command, { kind: "namespaces", directory: ROOT, timeLimitMs });
    if (!existsSync(file)) return exitStatus(outcome) || 1;
    const section = readFileSync(file, "utf8");
    process.stdout.write(`\n${section}`);
    if (Number(minutes) >= MINUTES_WRITTEN) writeSection(DOCUMENT, "Benchmarks", "soak", section);
    return exitStatus(outcome);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exit(await main());
