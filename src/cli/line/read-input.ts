/** A file or standard input, whole and of a bounded size. */
import { readFileBytes, readStandardInput } from "../../kernel/machine/standard-streams.ts";
import { TandemError } from "../../lib/errors.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import { isTerminal } from "../output/terminal.ts";
import { readFailure } from "./file-failure.ts";

/** More is no table and no configuration. */
const INPUT_BYTES_MAX = 16 * 1024 * 1024;

/** A text from a file or from standard input, with the name that messages call it by. */
export interface InputText {
  readonly name: string;
  readonly text: string;
}

function tooLong(name: string): TandemError {
  return new TandemError({ operation: "read", subject: name, reason: `it has more than ${INPUT_BYTES_MAX} bytes` }, 2);
}

function readNamed(file: string | undefined): Uint8Array {
  const name = file ?? "standard input";
  const outcome = file === undefined ? readStandardInput(INPUT_BYTES_MAX) : readFileBytes(file, INPUT_BYTES_MAX);
  if (outcome.kind === "too-long") throw tooLong(name);
  if (outcome.kind === "failed") throw readFailure(name, outcome.errnoName);
  return outcome.bytes;
}

/** What a file or standard input holds, not yet known to be text. */
export interface InputBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads FILE; `-` or nothing is standard input.
 * @throws CommandLineError when nothing is named and standard input is a terminal, TandemError when it can't be read.
 */
export function readInputBytes(command: string, file: string | undefined): InputBytes {
  if (file === undefined && isTerminal("stdin")) {
    throw new CommandLineError(command, ["name a FILE, or give - and type the text"]);
  }
  const isStandard = file === undefined || file === "-";
  return { name: isStandard ? "standard input" : file, bytes: readNamed(isStandard ? undefined : file) };
}

/** The text of what was read. @throws TandemError where it is none. */
export function decodeInput({ name, bytes }: InputBytes): InputText {
  try {
    return { name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new TandemError({ operation: "read", subject: name, reason: "it is not UTF-8 text", cause }, 2);
  }
}

/** Reads FILE, or standard input, as text. @throws as `readInputBytes` and `decodeInput`. */
export function readInput(command: string, file: string | undefined): InputText {
  return decodeInput(readInputBytes(command, file));
}
