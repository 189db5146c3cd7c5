import type { CheckMethod, CheckTarget, ProbeOutcome } from "../model/check.ts";
import { monotonicMs } from "../sys/clock.ts";
import { effectiveUserId, signalProcessGroup } from "../sys/process.ts";
import { failure, success } from "./outcome.ts";
import { formatElapsed, quoteBytes } from "./probe-text.ts";
import { lookUpUser, type UserIds } from "./user.ts";

export type ExternalMethod = Extract<CheckMethod, { kind: "external" }>;

/** signal(7) */
const SIGKILL = 9;
/** What is kept of a program's output for the report; the rest is read and thrown away. */
export const OUTPUT_KEPT_BYTES = 4 * 1024;
/** After its group was killed, a program's end is waited for this long; what has not ended then is stuck in the kernel. */
const KILL_WAIT_MS = 1_000;
/** The whole environment of a program: nothing of ours is passed on. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C", HOME: "/" };

/** A command's arguments with their tokens replaced: `{address}`, `{port}`, `{service.address}`, `{service.port}`. */
export function resolveCommand(command: readonly string[], target: CheckTarget): string[] {
  const values: Readonly<Record<string, string>> = {
    "{address}": target.address.text,
    "{port}": `${target.port}`,
    "{service.address}": target.serviceAddress?.text ?? "",
    "{service.port}": target.servicePort === undefined ? "" : `${target.servicePort}`,
  };
  return command.map((argument) =>
    argument.replace(/\{(?:service\.)?(?:address|port)\}/g, (token) => values[token] ?? token),
  );
}

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

function start(command: string[], user: UserIds | undefined) {
  return Bun.spawn(command, {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    cwd: "/",
    env: ENVIRONMENT,
    // A session and so a process group of its own, which can be killed as a whole.
    detached: true,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
}

function describeOutput(readers: readonly OutputReader[]): string {
  const spoken = readers.map((reader) => reader.kept).find((bytes) => bytes.length > 0);
  return spoken === undefined ? "" : `: ${quoteBytes(trimEnd(spoken))}`;
}

function trimEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  return bytes.subarray(0, end);
}

function describeFailure(code: number | null, signal: string | number | null): string {
  return code === null ? `the program was ended by ${signal ?? "a signal"}` : `the program exited with ${code}`;
}

async function superviseProgram(
  program: ReturnType<typeof start>,
  timeoutMs: number,
  startedMs: number,
): Promise<ProbeOutcome> {
  const readers = [new OutputReader(program.stderr), new OutputReader(program.stdout)];
  const reading = Promise.all(readers.map((reader) => reader.readAll()));
  const limit = Promise.withResolvers<"expired">();
  const timer = setTimeout(() => limit.resolve("expired"), timeoutMs);
  const ended = await Promise.race([program.exited.then(() => "ended" as const), limit.promise]);
  clearTimeout(timer);
  const elapsedMs = monotonicMs() - startedMs;
  // Also after a proper end: what it left running in the background goes too.
  signalProcessGroup(program.pid, SIGKILL);
  const gaveUp = Promise.withResolvers<void>();
  const killTimer = setTimeout(() => gaveUp.resolve(), KILL_WAIT_MS);
  await Promise.race([Promise.all([program.exited, reading]), gaveUp.promise]);
  clearTimeout(killTimer);
  await Promise.all(readers.map((reader) => reader.stop()));
  const output = describeOutput(readers);
  if (ended === "expired") {
    const reason = `the program did not end within ${formatElapsed(timeoutMs)} and was killed${output}`;
    return failure(elapsedMs, "timeout", reason);
  }
  return program.exitCode === 0
    ? success(elapsedMs, `the program exited with 0${output}`)
    : failure(elapsedMs, "program", `${describeFailure(program.exitCode, program.signalCode)}${output}`);
}

/**
 * Runs a program without a shell, as the user of the check, in a process group of its own that is killed at the limit.
 * Exit code 0 is success; anything else, the time limit, a missing program or user is a failure. Never rejects.
 * Without root the program runs as whoever started us: there is no other user to be had.
 */
export async function runExternal(
  method: ExternalMethod,
  target: CheckTarget,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const startedMs = monotonicMs();
  let user: UserIds | undefined;
  if (effectiveUserId() === 0) {
    const found = await lookUpUser(method.user);
    if (!found.ok) return failure(0, "local", found.problem);
    if (found.value.uid === 0) return failure(0, "local", "a check's program does not run as root; give another user");
    user = found.value;
  }
  try {
    return await superviseProgram(start(resolveCommand(method.command, target), user), timeoutMs, startedMs);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Counted as a failure of the server like any other (check.ts, `local`): checks by program fail closed.
    return failure(monotonicMs() - startedMs, "local", `the program cannot be started: ${reason}`);
  }
}
