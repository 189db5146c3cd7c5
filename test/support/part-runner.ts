/** How each part of the tests is run: tools, tests of this process' machine, tests in a lab. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { LabOutcome } from "../lab/lab-command.ts";
import { namespacesObstacle } from "../lab/namespaces.ts";
import { exitStatus, type LabKind, runInLab } from "../lab/run-in-lab.ts";
import { PART_VARIABLE, readPassedOver, TEST_LIMIT_MS } from "./needs.ts";
import { PartOutput } from "./part-output.ts";
import {
  addCounts,
  type Failure,
  judge,
  NO_TESTS,
  readJunitCount,
  readJunitFailures,
  type TestCount,
} from "./test-report.ts";

const ROOT = resolve(import.meta.dir, "../..");
const BUN = process.execPath;
/** Several times what a part takes on a machine with nothing else to do. */
const PROGRAM_LIMIT_MS = 1_800_000;
const KERNEL_PART_LIMIT_MS = 1_200_000;
const LEFT_BEHIND_MS = 5_000;

/** What a part came to, and what failed in it. */
export interface PartResult {
  readonly count: TestCount;
  readonly failures: readonly Failure[];
}

/** Who interrupts a lab means all of the run. */
export class Interrupted extends Error {}

/** The tests of a part that are to be run. */
export interface TestOrder {
  readonly part: string;
  readonly files: readonly string[];
  readonly reportFolder: string;
}

type Write = (stream: "stdout" | "stderr", bytes: Uint8Array) => void;

/** Where the program's output goes besides: read along, in case it breaks off. */
async function passOn(
  stream: "stdout" | "stderr",
  from: ReadableStream<Uint8Array>,
  output: PartOutput,
  write: Write,
): Promise<void> {
  for await (const bytes of from) {
    write(stream, bytes);
    output.add(stream, bytes);
  }
}

/** Runs a program in the project's root to its end, or to its limit: a test that loops for ever can't be ended otherwise. */
async function runProgram(
  command: readonly string[],
  output: PartOutput,
  write: Write,
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const program = Bun.spawn([...command], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}), ...environment },
    timeout: PROGRAM_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const passed = [passOn("stdout", program.stdout, output, write), passOn("stderr", program.stderr, output, write)];
  await program.exited;
  // What it started and left behind may hold its output open.
  await Promise.race([Promise.all(passed), Bun.sleep(LEFT_BEHIND_MS)]);
  return program.signalCode === null ? (program.exitCode ?? 1) : 128;
}

/** Runs a tool. It has no tests to count: it passes in silence, or counts as one failure. */
export async function runTool(name: string, command: readonly string[]): Promise<PartResult> {
  const output = new PartOutput();
  const status = await runProgram(command, output, wholeLines(""));
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
  const passedOver = readPassedOver(xml);
  const [why = "", ...more] = reason.split("\n");
  const brokeOff = { title: `${name}: ${why}`, cause: [...output.story(), ...more] };
  return {
    count: {
      ...count,
      failed: count.failed + passedOver.length,
      skipped: Math.max(0, count.skipped - passedOver.length),
    },
    failures: [...failures, ...(count.failed === failures.length ? [] : [brokeOff]), ...passedOver],
  };
}

function testCommand(report: string, files: readonly string[]): string[] {
  const options = ["--reporter=junit", `--reporter-outfile=${report}`, `--timeout=${TEST_LIMIT_MS}`];
  return [BUN, "test", ...options, ...files.map((file) => `./${file}`)];
}

/** The files of each of so many processes, and the mark of its lines; where there are enough of both. */
function shares(files: readonly string[]): { readonly name: string; readonly files: readonly string[] }[] {
  if (availableParallelism() < 2 || files.length < 2) return [{ name: "", files }];
  return [0, 1].map((share) => ({
    name: `${share + 1}/2`,
    files: files.filter((_, index) => index % 2 === share),
  }));
}

function sumOf(results: readonly PartResult[]): PartResult {
  return { count: addCounts(results.map(({ count }) => count)), failures: results.flatMap(({ failures }) => failures) };
}

function nameOf(part: string, share: string): string {
  return share === "" ? part : `${part} ${share}`;
}

function reportOf({ part, reportFolder }: TestOrder, share: string): string {
  return join(reportFolder, `${part}${share.replace("/", "-of-")}.xml`);
}

/** Runs tests on this machine, in two processes at once where it has two processors and they may share it. */
export async function runTests(order: TestOrder, options: { readonly alone?: boolean } = {}): Promise<PartResult> {
  const { part } = order;
  const all = options.alone === true ? [{ name: "", files: order.files }] : shares(order.files);
  const results = all.map(async ({ name, files }) => {
    const report = reportOf(order, name);
    const output = new PartOutput();
    const command = [...testCommand(report, files), "--randomize"];
    const status = await runProgram(command, output, writer(name), { [PART_VARIABLE]: part });
    // The report is there only when the tests have ended.
    return resultOf(nameOf(part, name), report, status, output, reasonOf(status));
  });
  return sumOf(await Promise.all(results));
}

/** Runs tests in a lab, all files in one; `share` is set where several run at once. */
async function runLabTests(
  order: TestOrder,
  options: { readonly kind?: LabKind; readonly share?: string } = {},
): Promise<PartResult> {
  const { kind, share = "" } = options;
  const obstacle = kind === "namespaces" ? namespacesObstacle() : undefined;
  if (obstacle !== undefined) return passOverPart(obstacle);
  const report = reportOf(order, share);
  const output = new PartOutput();
  const write = writer(share);
  const outcome = await runInLab(testCommand(report, order.files), {
    ...(kind === undefined ? {} : { kind }),
    directory: ROOT,
    environment: { [PART_VARIABLE]: order.part },
    writableDirectories: [order.reportFolder],
    timeLimitMs: KERNEL_PART_LIMIT_MS,
    onOutput: (stream, bytes) => {
      write(stream, bytes);
      output.add(stream, bytes);
    },
  });
  if (outcome.kind === "interrupted") throw new Interrupted();
  return resultOf(nameOf(order.part, share), report, exitStatus(outcome), output, labReason(outcome));
}

function labReason(outcome: Exclude<LabOutcome, { kind: "interrupted" }>): string {
  if (outcome.kind === "ended") return `ended with ${outcome.status}`;
  if (outcome.kind === "broken") return outcome.reason;
  return `the lab was ended: it may take ${outcome.limitMs / 1000} s`;
}

/** This machine can't run the part. */
function passOverPart(obstacle: string): PartResult {
  process.stdout.write(`skipped: ${obstacle}\n`);
  return { count: { ...NO_TESTS, skipped: 1 }, failures: [] };
}

/** Runs tests of a pair in namespaces of this kernel, without IPVS. */
export function runNamespaceTests(order: TestOrder): Promise<PartResult> {
  return runLabTests(order, { kind: "namespaces" });
}

/** Runs tests with Debian's servers, unpacked beside the npm packages, in namespaces of this kernel. */
export async function runServerTests(order: TestOrder): Promise<PartResult> {
  if (Bun.which("apt-get") === null) return passOverPart("the servers are Debian's");
  if (process.getuid?.() === 0) {
    const setUp = await runTool("set-up of the servers", ["node", "test/setup.mjs", "servers"]);
    if (setUp.count.failed > 0) return setUp;
  }
  return await runLabTests(order, { kind: "namespaces" });
}

/** Runs tests on real IPVS. Two kernels at once where there are two processors: each has but one, and a slow one. */
export async function runKernelTests(order: TestOrder): Promise<PartResult> {
  const results = shares(order.files).map(({ name, files }) => runLabTests({ ...order, files }, { share: name }));
  return sumOf(await Promise.all(results));
}

/** Where the output of one of several processes at once goes; that of the only one is passed on as it comes. */
function writer(share: string): Write {
  return share === "" ? (stream, bytes) => void process[stream].write(bytes) : wholeLines(`${share}  `);
}

/** Keeps the lines of what runs at once apart. */
function wholeLines(mark: string): Write {
  const rests = { stdout: "", stderr: "" };
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  return (stream, bytes) => {
    const lines = (rests[stream] + decoders[stream].decode(bytes, { stream: true })).split("\n");
    rests[stream] = lines.pop() ?? "";
    for (const line of lines) process[stream].write(`${mark}${line}\n`);
  };
}
