/**
 * `npm test`: everything, part by part. `bun test/run.ts lint types fast` runs the parts that are named.
 * The last line is `N passed, N failed`; the exit status is 1 when anything failed, a part without a test included.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { exitStatus, type LabKind, runInLab } from "./lab/run-in-lab.ts";
import {
  addCounts,
  judge,
  NO_TESTS,
  readJunitCount,
  readJunitFailures,
  type TestCount,
} from "./support/test-report.ts";

const ROOT = resolve(import.meta.dir, "..");
const BUN = process.execPath;
const BIN = join(ROOT, "node_modules/.bin");
const PROGRAM_LIMIT_MS = 300_000;
const FAST_TEST_TIMEOUT_MS = 30_000;
/** Tests of the kernel wait for real leases to end and real routers to take over. */
const KERNEL_TEST_TIMEOUT_MS = 90_000;
const KERNEL_PART_LIMIT_MS = 480_000;

interface Part {
  readonly name: string;
  readonly purpose: string;
  run(reportFolder: string): Promise<TestCount>;
}

const PARTS: readonly Part[] = [
  { name: "lint", purpose: "biome", run: () => runTool([join(BIN, "biome"), "ci"]) },
  { name: "types", purpose: "tsc", run: () => runTool([join(BIN, "tsc"), "-p", "."]) },
  {
    name: "fast",
    purpose: "unit, property, simulation, scenario, tidy",
    run: (folder) => runTests(folder, "fast", ["unit", "property", "simulation", "scenario", "contract", "tidy"]),
  },
  { name: "build", purpose: "dist/tandem", run: () => runTool([BUN, "src/build/binary.ts"]) },
  { name: "cli", purpose: "the compiled command line", run: (folder) => runTests(folder, "cli", ["cli"]) },
  { name: "lab", purpose: "the lab itself", run: (folder) => runTests(folder, "lab", ["lab"]) },
  {
    name: "namespaces",
    purpose: "a pair on this kernel, without IPVS",
    run: (folder) => runLabTests(folder, "namespaces", { kind: "namespaces" }),
  },
  {
    name: "servers",
    purpose: "checks of real servers, through every way of failing",
    run: (folder) => runServerTests(folder),
  },
  {
    name: "kernel",
    purpose: "a pair on real IPVS, in the lab",
    run: (folder) => runKernelTests(folder),
  },
];

/** Test folders of a part that exist; without one, `bun test` would run everything there is. */
function presentFolders(folders: readonly string[]): string[] {
  return folders.map((folder) => `./test/${folder}/`).filter((folder) => existsSync(join(ROOT, folder)));
}

/** Runs a program in the project's root to its end, or to its limit: a test that loops for ever can't be ended otherwise. */
async function runProgram(command: readonly string[]): Promise<number> {
  const program = Bun.spawn([...command], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: PROGRAM_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  await program.exited;
  if (program.signalCode === null) return program.exitCode ?? 1;
  say(`ended by ${program.signalCode}; a part may take ${PROGRAM_LIMIT_MS / 1000} s`);
  return 1;
}

/** A tool has no tests to count: it passes in silence, or counts as one failure. */
async function runTool(command: readonly string[]): Promise<TestCount> {
  return (await runProgram(command)) === 0 ? NO_TESTS : { ...NO_TESTS, failed: 1 };
}

function testCommand(report: string, folders: readonly string[], timeoutMs: number): string[] {
  return [BUN, "test", "--reporter=junit", `--reporter-outfile=${report}`, `--timeout=${timeoutMs}`, ...folders];
}

async function runTests(reportFolder: string, name: string, folders: readonly string[]): Promise<TestCount> {
  const report = join(reportFolder, `${name}.xml`);
  const present = presentFolders(folders);
  if (present.length === 0) return judge(undefined, 0);
  const command = [...testCommand(report, present, FAST_TEST_TIMEOUT_MS), "--randomize"];
  // The report is there only when the tests have ended.
  const status = await runProgram(command);
  return judge(readCount(report), status);
}

/** Tests in a lab, all files in one; each part of `shard` (`1/2`) is a lab of its own. */
async function runLabTests(
  reportFolder: string,
  folder: string,
  options: { readonly kind?: LabKind; readonly shard?: string } = {},
): Promise<TestCount> {
  if (options.kind === "namespaces" && process.getuid?.() !== 0) {
    say("skipped: network namespaces of this kernel need root");
    return { ...NO_TESTS, skipped: 1 };
  }
  const { shard } = options;
  const report = join(reportFolder, `${folder}${shard?.replace("/", "-of-") ?? ""}.xml`);
  const present = presentFolders([folder]);
  if (present.length === 0) return judge(undefined, 0);
  const command = testCommand(report, present, KERNEL_TEST_TIMEOUT_MS);
  const outcome = await runInLab([...command, ...(shard === undefined ? [] : [`--shard=${shard}`])], {
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    directory: ROOT,
    writableDirectories: [reportFolder],
    timeLimitMs: KERNEL_PART_LIMIT_MS,
    ...(shard === undefined ? {} : { onOutput: wholeLines(`${shard}  `) }),
  });
  if (outcome.kind !== "ended") say(outcome.kind === "broken" ? outcome.reason : `the lab was ended: ${outcome.kind}`);
  return judge(readCount(report), exitStatus(outcome));
}

/** Debian's servers, unpacked beside the npm packages, in namespaces of this kernel. */
async function runServerTests(reportFolder: string): Promise<TestCount> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && (await runProgram(["node", "test/setup.mjs", "servers"])) !== 0) return { ...NO_TESTS, failed: 1 };
  return await runLabTests(reportFolder, "servers", { kind: "namespaces" });
}

/** Two kernels at once where there are two processors: each has but one, and a slow one. */
async function runKernelTests(reportFolder: string): Promise<TestCount> {
  const shards = availableParallelism() > 1 ? ["1/2", "2/2"] : [undefined];
  const counts = shards.map((shard) => runLabTests(reportFolder, "kernel", shard === undefined ? {} : { shard }));
  return addCounts(await Promise.all(counts));
}

/** Keeps the lines of labs that run at once apart. */
function wholeLines(mark: string): (stream: "stdout" | "stderr", bytes: Uint8Array) => void {
  const rests = { stdout: "", stderr: "" };
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return (stream, bytes) => {
    const lines = (rests[stream] + decoders[stream].decode(bytes, { stream: true })).split("\n");
    rests[stream] = lines.pop() ?? "";
    for (const line of lines) process[stream].write(`${mark}${line}\n`);
  };
}

function readCount(report: string): TestCount | undefined {
  return existsSync(report) ? readJunitCount(readFileSync(report, "utf8")) : undefined;
}

/** The tests that failed, of all reports: named once more at the end, where a person or a log's last lines show them. */
function readFailures(folder: string): string[] {
  const reports = readdirSync(folder).filter((name) => name.endsWith(".xml"));
  return reports.flatMap((name) => readJunitFailures(readFileSync(join(folder, name), "utf8")));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) {
    say(`no such part: ${unknown}; there are ${PARTS.map((part) => part.name).join(", ")}`);
    return 2;
  }
  const chosen = PARTS.filter((part) => names.length === 0 || names.includes(part.name));
  const reportFolder = mkdtempSync(join(tmpdir(), "tandem-test-"));
  const beganMs = performance.now();
  const rows: { readonly part: Part; readonly count: TestCount; readonly time: string }[] = [];
  let failures: readonly string[] = [];
  try {
    for (const [index, part] of chosen.entries()) {
      say(`\n── ${index + 1}/${chosen.length} ${part.name}: ${part.purpose}`);
      const partBeganMs = performance.now();
      const count = await part.run(reportFolder);
      rows.push({ part, count, time: seconds(partBeganMs) });
    }
    failures = readFailures(reportFolder);
  } finally {
    rmSync(reportFolder, { recursive: true, force: true });
  }
  for (const failure of failures) say(`\nFAIL ${failure}`);
  say(`\n── summary, ${seconds(beganMs)}`);
  for (const { part, count, time } of rows) {
    const skipped = count.skipped === 0 ? "" : `, ${count.skipped} skipped`;
    const result = count.failed === 0 ? "ok  " : "FAIL";
    say(
      `${result} ${part.name.padEnd(11)}${time.padStart(8)}   ${count.passed} passed, ${count.failed} failed${skipped}`,
    );
  }
  const total = addCounts(rows.map((row) => row.count));
  say(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
