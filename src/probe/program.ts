/** A program run once, without a shell, in a process group of its own that is killed at a time limit. */
import { monotonicMs } from "../sys/clock.ts";
import { SIGKILL } from "../sys/constants.ts";
import { signalProcessGroup } from "../sys/process.ts";
import { Confinement, MARK_VARIABLE, runningPrograms } from "./confinement.ts";
import { quoteBytes } from "./probe-text.ts";
import type { UserIds } from "./user.ts";

/** What is kept of a program's output for the report; the rest is read and thrown away. */
export const OUTPUT_KEPT_BYTES = 4 * 1024;
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

/** Reads a stream to its end, or until `stop`; keeps the first 4 KiB. */
class OutputReader {
  readonly #reader;
  #kept: Uint8Array = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  get kept(): Uint8Array {
    return this.#kept;
  }

  async readAll(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) return;
        const room = OUTPUT_KEPT_BYTES - this.#kept.length;
        if (room > 0) this.#kept = Buffer.concat([this.#kept, value.subarray(0, room)]);
      }
    } catch {
      // A stream that breaks has ended; what was read so far counts.
    }
  }

  /** Lets go of a stream that a process outside the group may still hold open. */
  async stop(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }
}

function start(command: readonly string[], options: ProgramOptions, mark: string | undefined) {
  return Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    cwd: "/",
    env: { ...ENVIRONMENT, ...options.environment, ...(mark === undefined ? {} : { [MARK_VARIABLE]: mark }) },
    // A session and so a process group of its own, which can be killed as a whole.
    detached: true,
    ...(options.user === undefined ? {} : { uid: options.user.uid, gid: options.user.gid }),
  });
}

function quoteOutput(readers: readonly OutputReader[]): string {
  const spoken = readers.map((reader) => reader.kept).find((bytes) => bytes.length > 0);
  return spoken === undefined ? "" : quoteBytes(trimEnd(spoken));
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
  const program = start(command, options, confinement?.mark);
  runningPrograms.add(program.pid);
  program.exited.then(() => runningPrograms.delete(program.pid));
  const readers = [new OutputReader(program.stderr), new OutputReader(program.stdout)];
  const reading = Promise.all(readers.map((reader) => reader.readAll()));
  const limit = Promise.withResolvers<"expired">();
  const timer = setTimeout(() => limit.resolve("expired"), options.timeoutMs);
  const ended = await Promise.race([program.exited.then(() => "ended" as const), limit.promise]);
  clearTimeout(timer);
  const elapsedMs = monotonicMs() - startedMs;
  // Also after a proper end: what it left running in the background goes too.
  signalProcessGroup(program.pid, SIGKILL);
  await settled(program.exited);
  if (confinement !== undefined) await settled(confinement.clear());
  await settled(reading);
  await Promise.all(readers.map((reader) => reader.stop()));
  const report = { elapsedMs, output: quoteOutput(readers) };
  if (ended === "expired") return { ...report, kind: "expired" };
  return program.exitCode === null
    ? { ...report, kind: "signalled", signal: `${program.signalCode ?? "a signal"}` }
    : { ...report, kind: "exited", exitCode: program.exitCode };
}
