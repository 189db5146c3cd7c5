/** The only place where errors become sentences and exit codes. Under --json the same facts go out as JSON. */
import { ConfigFileError } from "../../config/config-file-error.ts";
import { AssertionError } from "../../lib/assert.ts";
import { type ExitCode, NetlinkError, SyscallError, TandemError } from "../../lib/errors.ts";
import { CommandLineError } from "./command-line-error.ts";
import { BrokenPipe, type Output } from "./output.ts";
import type { Palette } from "./palette.ts";
import { printable } from "./table.ts";

function describe(error: unknown): TandemError {
  if (error instanceof TandemError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const ours = error instanceof AssertionError ? "internal assertion failed: " : "";
  return new TandemError({
    operation: "go on",
    reason: `${ours}${reason}`,
    hint: "this is a defect of tandem; please report it with the command and this message",
    cause: error,
  });
}

function sentences(error: TandemError): string[] {
  if (error instanceof CommandLineError) {
    const subject = error.command === "" ? "" : `${error.command}: `;
    return error.problems.map((text) => `${subject}${text}`);
  }
  return error.message.split("\n");
}

/** An error as scripts read it: {code, message, operation, subject, reason, hint, …}. */
export function errorJson(error: TandemError): Readonly<Record<string, unknown>> {
  const errno = error instanceof NetlinkError || error instanceof SyscallError ? error.errnoName : undefined;
  return {
    code: error.exitCode,
    message: error.message,
    operation: error.operation,
    subject: error.subject,
    reason: error.reason,
    hint: error.hint,
    errno,
    problems: error instanceof CommandLineError ? error.problems : undefined,
    issues: error instanceof ConfigFileError ? error.issues : undefined,
  };
}

const TITLE = "tandem:";
const HINT = "hint:";

/** What went wrong and what to do about it, each behind the word that it begins with. */
export function errorLines(error: TandemError, paint: Palette): readonly { lead: string; text: string }[] {
  return [
    ...sentences(error).map((line) => ({ lead: `${paint("bad", TITLE)} `, text: printable(line) })),
    ...(error.hint === undefined ? [] : [{ lead: `${paint("dim", HINT)} `, text: printable(error.hint) }]),
  ];
}

/**
 * Says on standard error what went wrong.
 * @returns the exit code of the process. A broken pipe is success: the reader has seen enough.
 */
export function reportError(error: unknown, output: Output): ExitCode {
  if (error instanceof BrokenPipe) return 0;
  const described = describe(error);
  try {
    if (output.json) {
      output.noteJson({ error: errorJson(described) });
      return described.exitCode;
    }
    if (described instanceof ConfigFileError) output.note(described.listing);
    for (const { lead, text } of errorLines(described, output.errorPalette)) output.note(text, lead);
  } catch (problem) {
    // Nobody can read standard error either: the exit code still tells.
    if (!(problem instanceof BrokenPipe || problem instanceof TandemError)) throw problem;
  }
  return described.exitCode;
}
