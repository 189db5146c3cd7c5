import type { CheckMethod, CheckTarget, ProbeOutcome } from "../model/check.ts";
import { monotonicMs } from "../sys/clock.ts";
import { effectiveUserId } from "../sys/process.ts";
import { failure, success } from "./outcome.ts";
import { formatElapsed } from "./probe-text.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";
import { lookUpUser, type UserIds } from "./user.ts";

export type ExternalMethod = Extract<CheckMethod, { kind: "external" }>;

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

function toProbeOutcome(outcome: ProgramOutcome, timeoutMs: number): ProbeOutcome {
  const output = outcome.output === "" ? "" : `: ${outcome.output}`;
  switch (outcome.kind) {
    case "expired": {
      const reason = `the program did not end within ${formatElapsed(timeoutMs)} and was killed${output}`;
      return failure(outcome.elapsedMs, "timeout", reason);
    }
    case "signalled":
      return failure(outcome.elapsedMs, "program", `the program was ended by ${outcome.signal}${output}`);
    default:
      return outcome.exitCode === 0
        ? success(outcome.elapsedMs, `the program exited with 0${output}`)
        : failure(outcome.elapsedMs, "program", `the program exited with ${outcome.exitCode}${output}`);
  }
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
    const options = { timeoutMs, ...(user === undefined ? {} : { user }) };
    return toProbeOutcome(await runProgram(resolveCommand(method.command, target), options), timeoutMs);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Counted as a failure of the server like any other (check.ts, `local`): checks by program fail closed.
    return failure(monotonicMs() - startedMs, "local", `the program cannot be started: ${reason}`);
  }
}
