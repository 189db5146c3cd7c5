import { TandemError } from "../lib/errors.ts";
import { CommandLineError } from "./command-line-error.ts";
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

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of Bun.stdin.stream()) {
    sizeBytes += chunk.length;
    if (sizeBytes > INPUT_BYTES_MAX) throw tooLong("standard input");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function readNamed(file: string): Promise<Uint8Array> {
  try {
    const source = Bun.file(file);
    if (source.size > INPUT_BYTES_MAX && Number.isFinite(source.size)) throw tooLong(file);
    return await source.bytes();
  } catch (cause) {
    if (cause instanceof TandemError) throw cause;
    throw readFailure(file, cause);
  }
}

/**
 * Reads FILE; `-` or nothing is standard input.
 * @throws CommandLineError when nothing is named and standard input is a terminal, TandemError when it can't be read.
 */
export async function readInput(command: string, file: string | undefined): Promise<InputText> {
  if (file === undefined && process.stdin.isTTY) {
    throw new CommandLineError(command, ["name a FILE, or give - and type the text"]);
  }
  const isStandard = file === undefined || file === "-";
  const name = isStandard ? "standard input" : file;
  const bytes = isStandard ? await readStandardInput() : await readNamed(file);
  try {
    return { name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (cause) {
    throw new TandemError({ operation: "read", subject: name, reason: "it is not UTF-8 text", cause }, 2);
  }
}
