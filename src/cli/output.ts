import { writeSync } from "node:fs";
import { TandemError } from "../lib/errors.ts";
import { type Palette, paletteFor } from "./palette.ts";
import { terminalWidthColumns } from "./terminal.ts";

/** The reader of a pipe went away: nobody wants the rest, which is no failure. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

declare global {
  interface JSON {
    /** A piece of JSON text that stringify passes through (ECMAScript 2026). */
    rawJSON(text: string): unknown;
  }
}

// asm-generic/errno-base.h names, as Bun's errors carry them.
const RETRY = new Set(["EAGAIN", "EINTR"]);

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Writes all of a text, also to a pipe that somebody made non-blocking. */
function writeAll(fd: number, text: string): void {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const code = errorCode(error);
      if (code === "EPIPE") throw new BrokenPipe();
      if (!RETRY.has(code)) {
        const stream = fd === 1 ? "standard output" : "standard error";
        throw new TandemError({ operation: "write to", subject: stream, reason: code, cause: error });
      }
      Bun.sleepSync(1);
    }
  }
}

/** A counter of the kernel is a bigint: its digits are written as they are, exact also past 2^53. */
function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? JSON.rawJSON(value.toString()) : value;
}

/** Where a command prints: results on standard output, everything else on standard error. */
export class Output {
  /** Colours of standard output. */
  readonly palette: Palette;
  readonly errorPalette: Palette;
  /** Whether results are wanted as JSON. */
  readonly json: boolean;

  private constructor(json: boolean, palette: Palette, errorPalette: Palette) {
    this.json = json;
    this.palette = palette;
    this.errorPalette = errorPalette;
  }

  static async open(options: { readonly json: boolean; readonly color: "auto" | "always" | "never" }): Promise<Output> {
    const palette = await paletteFor("stdout", options.color);
    return new Output(options.json, palette, await paletteFor("stderr", options.color));
  }

  /** The terminal's width as it is now; undefined when standard output is not a terminal, and then nothing is cut. */
  get widthColumns(): number | undefined {
    return terminalWidthColumns();
  }

  /** Text as it is, on standard output. @throws BrokenPipe */
  write(text: string): void {
    writeAll(1, text);
  }

  /** Lines on standard output. @throws BrokenPipe */
  lines(lines: readonly string[]): void {
    if (lines.length > 0) writeAll(1, `${lines.join("\n")}\n`);
  }

  /** One JSON value and a line's end on standard output; `version` comes first. @throws BrokenPipe */
  printJson(value: Readonly<Record<string, unknown>>): void {
    writeAll(1, `${JSON.stringify({ version: 1, ...value }, jsonValue, 2)}\n`);
  }

  /** A line for people on standard error: progress, warnings, errors. */
  note(text: string): void {
    writeAll(2, `${text}\n`);
  }
}
