/**
 * `npm test`: everything, part by part. `bun test/run.ts lint types fast` runs the parts that are named.
 * The last line is `N passed, N failed`; the exit status is 1 when anything failed, a part without a test included.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { LabOutcome } from "./lab/lab-command.ts";
import { namespacesObstacle } from "./lab/namespaces.ts";
import { exitStatus, type LabKind, runInLab } from "./lab/run-in-lab.ts";
import { PartOutput } from "./support/part-output.ts";
import {
  addCounts,
  type Failure,
  failureLines,
  judge,
  NO_TESTS,
  readJunitCount,
  readJunitFailures,
  type TestCount,
} from "./support/test-report.ts";

const ROOT = resolve(import.meta.dir, "..");
const BUN = process.execPath;
const BIN = join(ROOT, "node_modules/.bin");
/** Several times what a part takes on a machine with nothing else to do. */
const PROGRAM_LIMIT_MS = 1_800_000;
const FAST_TEST_TIMEOUT_MS = 120_000;
/** Tests of the kernel wait for real leases to end and real routers to take over, on a slow processor. */
const KERNEL_TEST_TIMEOUT_MS = 240_000;
const KERNEL_PART_LIMIT_MS = 1_200_000;
const LEFT_BEHIND_MS = 5_000;

/** A record of a run may keep no more than its last lines: what failed, the summary and the closing line are in them. */
const LAST_LINES = 24;

/** What a part came to, and what failed in it. */
interface PartResult {
  readonly count: TestCount;
  readonly failures: readonly Failure[];
}

/** Who interrupts a lab means all of the run. */
class Interrupted extends Error {}

interface Part {
  readonly name: string;
  readonly purpose: string;
  run(reportFolder: string): Promise<PartResult>;
}

const PARTS: readonly Part[] = [
  { name: "lint", purpose: "biome", run: () => runTool("biome", [join(BIN, "biome"), "ci"]) },
  { name: "types", purpose: "tsc", run: () => runTool("tsc", [join(BIN, "tsc"), "-p", "."]) },
  {
    name: "fast",
    purpose: "unit, property, model, simulation, scenario, tidy",
    run: (folder) =>
      runTests(folder, "fast", ["unit", "property", "model", "simulation", "scenario", "contract", "tidy"]),
  },
  { name: "build", purpose: "dist/tandem", run: () => runTool("the build", [BUN, "src/build/binary.ts"]) },
  { name: "cli", purpose: "the compiled command line", run: (folder) => runTests(folder, "cli", ["cli"]) },
  { name: "lab", purpose: "the lab itself", run: (folder) => runTests(folder, "lab", ["lab"], KERNEL_TEST_TIMEOUT_MS) },
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

/** Where the program's output goes besides: read along, in case it breaks off. */
async function passOn(
  stream: "stdout" | "stderr",
  from: ReadableStream<Uint8Array>,
  output: PartOutput,
): Promise<void> {
  for await (const bytes of from) {
    process[stream].write(bytes);
    output.add(stream, bytes);
  }
}

/** Runs a program in the project's root to its end, or to its limit: a test that loops for ever can't be ended otherwise. */
async function runProgram(command: readonly string[], output: PartOutput): Promise<number> {
  const program = Bun.spawn([...command], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) },
    timeout: PROGRAM_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const passed = [passOn("stdout", program.stdout, output), passOn("stderr", program.stderr, output)];
  await program.exited;
  // What it started and left behind may hold its output open.
  await Promise.race([Promise.all(passed), Bun.sleep(LEFT_BEHIND_MS)]);
  return program.signalCode === null ? (program.exitCode ?? 1) : 128;
}

/** A tool has no tests to count: it passes in silence, or counts as one failure. */
async function runTool(name: string, command: readonly string[]): Promise<PartResult> {
  const output = new PartOutput();
  const status = await runProgram(command, output);
  if (status === 0) return { count: NO_TESTS, failures: [] };
  return {
    count: { ...NO_TESTS, failed: 1 },
    failures: [{ title: `${name}: ${reasonOf(status)}`, cause: output.story() }],
  };
}

function reasonOf(status: number): string {
  return status === 128 ? `killed; it may take ${PROGRAM_LIMIT_MS / 1000} s` : `ended with ${status}`;
}

/** What a report says, and what broke off without being in it. */
function resultOf(name: string, report: string, status: number, output: PartOutput, reason: string): PartResult {
  const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
  const count = judge(readJunitCount(xml), status);
  const failures = readJunitFailures(xml);
  if (count.failed === failures.length) return { count, failures };
  const [why = "", ...more] = reason.split("\n");
  return { count, failures: [...failures, { title: `${name}: ${why}`, cause: [...output.story(), ...more] }] };
}

function testCommand(report: string, folders: readonly string[], timeoutMs: number): string[] {
  return [BUN, "test", "--reporter=junit", `--reporter-outfile=${report}`, `--timeout=${timeoutMs}`, ...folders];
}

/** Tests of a part whose folders are missing. */
function noTests(name: string): PartResult {
  return { count: judge(undefined, 0), failures: [{ title: `${name}: there are no tests`, cause: [] }] };
}

async function runTests(
  reportFolder: string,
  name: string,
  folders: readonly string[],
  testTimeoutMs = FAST_TEST_TIMEOUT_MS,
): Promise<PartResult> {
  const report = join(reportFolder, `${name}.xml`);
  const present = presentFolders(folders);
  if (present.length === 0) return noTests(name);
  const output = new PartOutput();
  // The report is there only when the tests have ended.
  const status = await runProgram([...testCommand(report, present, testTimeoutMs), "--randomize"], output);
  return resultOf(name, report, status, output, reasonOf(status));
}

/** Tests in a lab, all files in one; each part of `shard` (`1/2`) is a lab of its own. */
async function runLabTests(
  reportFolder: string,
  folder: string,
  options: { readonly kind?: LabKind; readonly shard?: string } = {},
): Promise<PartResult> {
  const obstacle = options.kind === "namespaces" ? namespacesObstacle() : undefined;
  if (obstacle !== undefined) {
    say(`skipped: ${obstacle}`);
    return { count: { ...NO_TESTS, skipped: 1 }, failures: [] };
  }
  const { shard } = options;
  const report = join(reportFolder, `${folder}${shard?.replace("/", "-of-") ?? ""}.xml`);
  const present = presentFolders([folder]);
  if (present.length === 0) return noTests(folder);
  const command = testCommand(report, present, KERNEL_TEST_TIMEOUT_MS);
  const output = new PartOutput();
  const write = shard === undefined ? writeOut : wholeLines(`${shard}  `);
  const outcome = await runInLab([...command, ...(shard === undefined ? [] : [`--shard=${shard}`])], {
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    directory: ROOT,
    writableDirectories: [reportFolder],
    timeLimitMs: KERNEL_PART_LIMIT_MS,
    onOutput: (stream, bytes) => {
      write(stream, bytes);
      output.add(stream, bytes);
    },
  });
  if (outcome.kind === "interrupted") throw new Interrupted();
  const name = shard === undefined ? folder : `${folder} ${shard}`;
  return resultOf(name, report, exitStatus(outcome), output, labReason(outcome));
}

function labReason(outcome: Exclude<LabOutcome, { kind: "interrupted" }>): string {
  if (outcome.kind === "ended") return `ended with ${outcome.status}`;
  if (outcome.kind === "broken") return outcome.reason;
  return `the lab was ended: it may take ${outcome.limitMs / 1000} s`;
}

/** Debian's servers, unpacked beside the npm packages, in namespaces of this kernel. */
async function runServerTests(reportFolder: string): Promise<PartResult> {
  if (Bun.which("apt-get") === null) {
    say("skipped: the servers are Debian's");
    return { count: { ...NO_TESTS, skipped: 1 }, failures: [] };
  }
  if (process.getuid?.() === 0) {
    const setUp = await runTool("set-up of the servers", ["node", "test/setup.mjs", "servers"]);
    if (setUp.count.failed > 0) return setUp;
  }
  return await runLabTests(reportFolder, "servers", { kind: "namespaces" });
}

/** Two kernels at once where there are two processors: each has but one, and a slow one. */
async function runKernelTests(reportFolder: string): Promise<PartResult> {
  const shards = availableParallelism() > 1 ? ["1/2", "2/2"] : [undefined];
  const results = await Promise.all(
    shards.map((shard) => runLabTests(reportFolder, "kernel", shard === undefined ? {} : { shard })),
  );
  return { count: addCounts(results.map(({ count }) => count)), failures: results.flatMap(({ failures }) => failures) };
}

function writeOut(stream: "stdout" | "stderr", bytes: Uint8Array): void {
  process[stream].write(bytes);
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
  const rows: { readonly part: Part; readonly result: PartResult; readonly time: string }[] = [];
  try {
    for (const [index, part] of chosen.entries()) {
      say(`\n── ${index + 1}/${chosen.length} ${part.name}: ${part.purpose}`);
      const partBeganMs = performance.now();
      const result = await part.run(reportFolder);
      rows.push({ part, result, time: seconds(partBeganMs) });
    }
  } finally {
    rmSync(reportFolder, { recursive: true, force: true });
  }
  const failures = rows.flatMap(({ result }) => result.failures);
  // The summary has a line for each part, and two above and two below them.
  for (const line of failureLines(failures, LAST_LINES - rows.length - 4)) say(line);
  say(`\n── summary, ${seconds(beganMs)}`);
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

process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
    say("\ninterrupted: nothing is said of what did not run");
    // As a shell tells of SIGINT (bash(1), EXIT STATUS).
    return 130;
  }),
);
