/** A program run once, without a shell, in a process group of its own that is killed at a time limit. */
import { monotonicMs } from "../../sys/libc/clock.ts";
import { SIGKILL } from "../../sys/libc/constants.ts";
import { signalProcessGroup } from "../../sys/process/process.ts";
import { quoteBytes } from "../transport/probe-text.ts";
import { Confinement, MARK_VARIABLE, runningPrograms } from "./confinement.ts";
import { ProgramOutput } from "./program-output.ts";
import type { UserIds } from "./user.ts";

/** After its group was killed, a program's end is waited for this long; what has not ended then is stuck in the kernel. */
const KILL_WAIT_MS = 1_000;
/** The whole environment of a program besides what its caller gives: nothing of ours is passed on. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C", HOME: "/" };

export interface ProgramOptions {
  readonly timeoutMs: number;
  /** Absent: as whoever runs this process. */
  readonly user?: UserIds;
  /** Variables besides PATH, LANG and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether also what left its process group and its session is killed. */
  readonly isConfined?: boolean;
}

/** How a program ended. `output` is what it said first, quoted, standard error before standard output; often empty. */
export type ProgramOutcome = { readonly elapsedMs: number; readonly output: string } & (
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signalled"; readonly signal: string }
  | { readonly kind: "expired" }
);

function start(
  command: readonly string[],
  options: ProgramOptions,
  mark: string | undefined,
  [stderr, stdout]: readonly [ProgramOutput, ProgramOutput],
) {
  return Bun.spawn([...command], {
    stdin: "ignore",
    stdout: stdout.writing,
    stderr: stderr.writing,
    cwd: "/",
    env: { ...ENVIRONMENT, ...options.environment, ...(mark === undefined ? {} : { [MARK_VARIABLE]: mark }) },
    // A session and so a process group of its own, which can be killed as a whole.
    detached: true,
    ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
  });
}

function quoteOutput(outputs: readonly ProgramOutput[]): string {
  const spoken = outputs.map((output) => trimEnd(output.kept)).find((bytes) => bytes.length > 0);
  return spoken === undefined ? "" : quoteBytes(spoken);
}

function trimEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  return bytes.subarray(0, end);
}

/** Waits for this, but not for ever: what does not end though it was killed is stuck in the kernel. */
async function settled(work: Promise<unknown>): Promise<void> {
  const gaveUp = Promise.withResolvers<void>();
  const timer = setTimeout(() => gaveUp.resolve(), KILL_WAIT_MS);
  await Promise.race([work, gaveUp.promise]);
  clearTimeout(timer);
}

/**
 * Runs a program to its end or to the limit, whichever comes first; then its whole process group is gone.
 * @throws what the system says when the program cannot be started.
 */
export async function runProgram(command: readonly string[], options: ProgramOptions): Promise<ProgramOutcome> {
  const startedMs = monotonicMs();
  const confinement = options.isConfined === true ? new Confinement() : undefined;
  using stderr = new ProgramOutput(options.user?.uid);
  using stdout = new ProgramOutput(options.user?.uid);
  const outputs = [stderr, stdout] as const;
  const program = start(command, options, confinement?.mark, outputs);
  for (const output of outputs) output.begin();
  runningPrograms.add(program.pid);
  program.exited.then(() => runningPrograms.delete(program.pid));
  const limit = Promise.withResolvers<"expired">();
  const timer = setTimeout(() => limit.resolve("expired"), options.timeoutMs);
  const ended = await Promise.race([program.exited.then(() => "ended" as const), limit.promise]);
  clearTimeout(timer);
  const elapsedMs = monotonicMs() - startedMs;
  // Also after a proper end: what it left running in the background goes too.
  signalProcessGroup(program.pid, SIGKILL);
  await settled(program.exited);
  if (confinement !== undefined) await settled(confinement.clear());
  for (const output of outputs) output.read();
  const report = { elapsedMs, output: quoteOutput(outputs) };
  if (ended === "expired") return { ...report, kind: "expired" };
  return program.exitCode === null
    ? { ...report, kind: "signalled", signal: `${program.signalCode ?? "a signal"}` }
    : { ...report, kind: "exited", exitCode: program.exitCode };
}
