/**
 * `npm run bench:sync [-- ENTRIES…]`: builds tandem, boots the lab and measures how long a standby that has just come takes
 * to learn the active's connections, what that costs the router that tells them, and how many of a site's short
 * connections are lost over planned moves. Prints the tables and, with the usual sizes, writes them into
 * docs/benchmarks.md.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "../../../src/build/binary.ts";
import { exitStatus, runInLab } from "../../lab/run-in-lab.ts";
import { writeSection } from "../../support/document-section.ts";
import { dateText, machineText } from "../../support/machine.ts";
import { SECTION_FILE } from "./report.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const TIME_LIMIT_MS = 1_200_000;
const SIZES = ["1000", "10000", "100000"];

const DOCUMENT = join(ROOT, "docs/benchmarks.md");

async function inLab(program: readonly string[], folder: string): Promise<number> {
  const binary = process.env["TANDEM_BINARY"] ?? join(ROOT, "dist/tandem");
  const variables = [`TANDEM_BINARY=${binary}`, `${SECTION_FILE}=${sectionFile(folder)}`];
  const outcome = await runInLab(["env", ...variables, process.execPath, ...program], {
    kind: "uml",
    directory: ROOT,
    writableDirectories: [folder],
    timeLimitMs: TIME_LIMIT_MS,
  });
  return exitStatus(outcome);
}

function sectionFile(folder: string): string {
  return join(folder, "section.md");
}

function section(tables: string): string {
  return `## Telling a standby of every connection

Written by \`npm run bench:sync\` on ${dateText()}, in the lab's kernel (one processor, user-mode Linux) on ${machineText()}.
First the sync thread alone with a router's own table; then a pair, whose two routers share one kernel and so one table of
connections, in which each reading takes several times as long as on a machine of its own: with 100,000 the first one was
not at its end after five minutes. Last, connections of 0.3 s, fifty a second, over planned moves there and back.

${tables.trim()}
`;
}

async function main(sizes: readonly string[]): Promise<number> {
  const built = process.env["TANDEM_BINARY"] === undefined ? build(join(ROOT, "dist/tandem")) : 0;
  if (built !== 0) return built;
  const tables = ["test/bench/sync/inside.ts", ...(sizes.length === 0 ? SIZES : sizes)];
  const folder = mkdtempSync(join(tmpdir(), "tandem-bench-sync-"));
  try {
    for (const program of [tables, ["test/bench/sync/moves.ts"]]) {
      const status = await inLab(program, folder);
      if (status !== 0) return status;
    }
    const text = section(readFileSync(sectionFile(folder), "utf8"));
    process.stdout.write(`\n${text}`);
    if (sizes.length === 0) writeSection(DOCUMENT, "Benchmarks", "sync", text);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exit(await main(process.argv.slice(2)));
