/**
 * `npm test`: everything, part by part. `npm test -- kernel`, `npm test -- kernel/reload unit/probe`: parts, folders
 * and files; what they need is set up first. `--default=NAME,...` is what runs where no name follows.
 * The last line is `N passed, N failed`; the exit status is 1 when anything failed, a part without a test included,
 * and 2 for a name of nothing.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  Interrupted,
  type PartResult,
  runKernelTests,
  runNamespaceTests,
  runServerTests,
  runTests,
  runTool,
  type TestOrder,
} from "./support/part-runner.ts";
import { type Choice, chooseTests, type PartName } from "./support/test-choice.ts";
import { addCounts, failureLines } from "./support/test-report.ts";

const ROOT = resolve(import.meta.dir, "..");
const BUN = process.execPath;
const BIN = join(ROOT, "node_modules/.bin");

/** A record of a run may keep no more than its last lines: what failed, the summary and the closing line are in them. */
const LAST_LINES = 24;

interface Part {
  readonly name: PartName;
  readonly purpose: string;
  /** What `test/setup.mjs` brings for it. */
  readonly setUp?: "check" | "lab";
  /** Takes nothing from the tests but a processor, and may run beside them. */
  readonly isBeside?: boolean;
  run(order: TestOrder): Promise<PartResult>;
}

const PARTS: readonly Part[] = [
  { name: "lint", purpose: "biome", isBeside: true, run: () => runTool("biome", [join(BIN, "biome"), "ci"]) },
  { name: "types", purpose: "tsc", isBeside: true, run: () => runTool("tsc", [join(BIN, "tsc"), "-p", "."]) },
  { name: "fast", purpose: "unit, scenario, tidy, quick properties", setUp: "check", run: (order) => runTests(order) },
  { name: "deep", purpose: "model, simulation, long properties", setUp: "check", run: (order) => runTests(order) },
  { name: "build", purpose: "dist/tandem", run: () => runTool("the build", [BUN, "src/build/binary.ts"]) },
  { name: "cli", purpose: "the compiled command line", run: (order) => runTests(order, { alone: true }) },
  { name: "lab", purpose: "the lab itself", setUp: "lab", run: (order) => runTests(order, { alone: true }) },
  { name: "namespaces", purpose: "a pair on this kernel, without IPVS", setUp: "lab", run: runNamespaceTests },
  {
    name: "servers",
    purpose: "checks of real servers, through every way of failing",
    setUp: "lab",
    run: runServerTests,
  },
  { name: "kernel", purpose: "a pair on real IPVS, in the lab", setUp: "lab", run: runKernelTests },
];

interface Row {
  readonly part: Part;
  readonly result: PartResult;
  readonly time: string;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

/** Brings what the parts need onto this machine. Returns whether it is there; the set-up says what is not. */
function isSetUp(parts: readonly Part[]): boolean {
  const words = [...new Set(parts.flatMap(({ setUp }) => setUp ?? []))];
  if (words.length === 0) return true;
  const setUp = Bun.spawnSync(["node", "test/setup.mjs", ...words], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return setUp.success;
}

async function runPart(part: Part, choice: Choice, reportFolder: string, title: string): Promise<Row> {
  say(`\n── ${title} ${part.name}: ${part.purpose}`);
  const beganMs = performance.now();
  const result = await part.run({ part: part.name, files: choice.get(part.name) ?? [], reportFolder });
  return { part, result, time: seconds(beganMs) };
}

/** Runs the parts one after the other; on two processors, the tools meanwhile. */
async function runParts(chosen: readonly Part[], choice: Choice, reportFolder: string): Promise<readonly Row[]> {
  const run = async (parts: readonly Part[]) => {
    const rows: Row[] = [];
    for (const part of parts) {
      rows.push(await runPart(part, choice, reportFolder, `${chosen.indexOf(part) + 1}/${chosen.length}`));
    }
    return rows;
  };
  if (availableParallelism() < 2) return await run(chosen);
  const beside = chosen.filter((part) => part.isBeside === true);
  const others = chosen.filter((part) => part.isBeside !== true);
  return (await Promise.all([run(beside), run(others)])).flat();
}

/** Prints what failed, a line for each part, and the closing line. Returns the exit status. */
function summarize(rows: readonly Row[], time: string): number {
  const failures = rows.flatMap(({ result }) => result.failures);
  // The summary has a line for each part, and two above and two below them.
  for (const line of failureLines(failures, LAST_LINES - rows.length - 4)) say(line);
  say(`\n── summary, ${time}`);
  for (const { part, result, time } of rows) {
    const { passed, failed, skipped } = result.count;
    const also = skipped === 0 ? "" : `, ${skipped} skipped`;
    say(
      `${failed === 0 ? "ok  " : "FAIL"} ${part.name.padEnd(11)}${time.padStart(8)}   ${passed} passed, ${failed} failed${also}`,
    );
  }
  const total = addCounts(rows.map(({ result }) => result.count));
  say(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

/** The words that follow the options, or the default's. */
function wordsOf(parameters: readonly string[]): readonly string[] {
  const option = "--default=";
  const words = parameters.filter((word) => !word.startsWith(option) && word !== "--");
  const [usual] = parameters.filter((word) => word.startsWith(option));
  if (words.length > 0) return words;
  return usual === undefined ? PARTS.map(({ name }) => name) : usual.slice(option.length).split(",");
}

async function main(parameters: readonly string[]): Promise<number> {
  const files = (await Array.fromAsync(new Bun.Glob("test/**/*.test.ts").scan({ cwd: ROOT }))).toSorted();
  const choice = chooseTests(wordsOf(parameters), files);
  if (!choice.ok) {
    say(choice.problem);
    return 2;
  }
  const chosen = PARTS.filter(({ name }) => choice.value.has(name));
  if (!isSetUp(chosen)) return 1;
  const reportFolder = mkdtempSync(join(tmpdir(), "tandem-test-"));
  const beganMs = performance.now();
  try {
    return summarize(await runParts(chosen, choice.value, reportFolder), seconds(beganMs));
  } finally {
    rmSync(reportFolder, { recursive: true, force: true });
  }
}

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
    say("\ninterrupted: nothing is said of what did not run");
    // As a shell tells of SIGINT (bash(1), EXIT STATUS).
    return 130;
  }),
);
