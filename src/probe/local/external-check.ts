import { systemMessage } from "../../lib/system-reason.ts";
import type { CheckMethod, CheckTarget, ProbeOutcome } from "../../model/health-check.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { effectiveUserId } from "../../sys/process/process.ts";
import { failure, success } from "../transport/outcome.ts";
import { formatElapsed } from "../transport/probe-text.ts";
import { type ProgramOutcome, runProgram } from "./check-program.ts";
import { lookUpUser, type UserIds } from "./user.ts";

export type ExternalMethod = Extract<CheckMethod, { kind: "external" }>;

/**
 * A command's arguments with their tokens replaced: `{address}`, `{port}`, `{service.address}`, `{service.port}`. Without
 * a target they stay as they are.
 */
export function resolveCommand(command: readonly string[], target: CheckTarget | undefined): string[] {
  if (target === undefined) return [...command];
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

/** The percentage that a program's output begins with; undefined when it is none. */
export function weightPercentOf(output: string): number | undefined {
  const number = /^"(\d{1,3})(?:\\n|\s|"|$)/.exec(output)?.[1];
  return number === undefined || Number(number) > 100 ? undefined : Number(number);
}

function weighed(outcome: ProgramOutcome): ProbeOutcome {
  const weightPercent = weightPercentOf(outcome.output);
  if (weightPercent !== undefined) {
    const reason = `the program gives ${weightPercent} % of the weight`;
    return { result: "success", elapsedMs: outcome.elapsedMs, reason, weightPercent };
  }
  const said = outcome.output === "" ? "nothing" : outcome.output;
  return failure(outcome.elapsedMs, "program", `expected a weight from 0 to 100 but the program said ${said}`);
}

function toProbeOutcome(outcome: ProgramOutcome, method: ExternalMethod, timeoutMs: number): ProbeOutcome {
  const output = outcome.output === "" ? "" : `: ${outcome.output}`;
  switch (outcome.kind) {
    case "expired": {
      const reason = `the program did not end within ${formatElapsed(timeoutMs)} and was killed${output}`;
      return failure(outcome.elapsedMs, "timeout", reason);
    }
    case "signalled":
      return failure(outcome.elapsedMs, "program", `the program was ended by ${outcome.signal}${output}`);
    default:
      if (outcome.exitCode === 0 && method.weight === "output") return weighed(outcome);
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
  target: CheckTarget | undefined,
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
    const options = { timeoutMs, isConfined: true, ...(user === undefined ? {} : { user }) };
    return toProbeOutcome(await runProgram(resolveCommand(method.command, target), options), method, timeoutMs);
  } catch (error) {
    // Counted as a failure of the server like any other (health-check.ts, `local`): checks by program fail closed.
    return failure(monotonicMs() - startedMs, "local", `the program cannot be started: ${systemMessage(error)}`);
  }
}
