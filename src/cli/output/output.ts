/** Standard output and standard error of a command: text, JSON, and sentences broken at a terminal's width. */
import { writeStream } from "../../kernel/machine/standard-streams.ts";
import { TandemError } from "../../lib/errors.ts";
import { type Palette, PLAIN_PALETTE, paletteFor } from "./palette.ts";
import { terminalWidthColumns } from "./terminal.ts";
import { wrapHanging, wrapIndented } from "./wrap.ts";

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

const STREAM_NAMES = { stdout: "standard output", stderr: "standard error" } as const;
const encoder = new TextEncoder();

/** Writes all of it, also to a pipe that somebody made non-blocking. */
function writeAll(stream: keyof typeof STREAM_NAMES, content: string | Uint8Array): void {
  const outcome = writeStream(stream, typeof content === "string" ? encoder.encode(content) : content);
  if (outcome.kind === "written") return;
  if (outcome.errnoName === "EPIPE") throw new BrokenPipe();
  throw new TandemError({ operation: "write to", subject: STREAM_NAMES[stream], reason: outcome.reason });
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
    return terminalWidthColumns("stdout");
  }

  /** Whether results go into a pipe or a file, without colours and as wide as they are. */
  get isPlain(): boolean {
    return this.palette === PLAIN_PALETTE && this.widthColumns === undefined;
  }

  /** Text, or the bytes of one, as it is, on standard output. @throws BrokenPipe */
  write(content: string | Uint8Array): void {
    writeAll("stdout", content);
  }

  /** Lines on standard output. @throws BrokenPipe */
  lines(lines: readonly string[]): void {
    if (lines.length > 0) writeAll("stdout", `${lines.join("\n")}\n`);
  }

  /**
   * Sentences on standard output, one a line. A terminal gets as many lines as they take, broken at spaces; all but the
   * first of each are indented. @throws BrokenPipe
   */
  sentences(sentences: readonly string[]): void {
    const width = this.widthColumns;
    this.lines(width === undefined ? sentences : sentences.flatMap((text) => wrapIndented(text, width)));
  }

  /** One JSON value and a line's end on standard output; `version` comes first. @throws BrokenPipe */
  printJson(value: Readonly<Record<string, unknown>>): void {
    writeAll("stdout", `${JSON.stringify({ version: 1, ...value }, jsonValue, 2)}\n`);
  }

  /** One JSON value on a line of standard error; `version` comes first. */
  noteJson(value: Readonly<Record<string, unknown>>): void {
    writeAll("stderr", `${JSON.stringify({ version: 1, ...value })}\n`);
  }

  /**
   * Lines for people on standard error: progress, warnings, errors. A terminal gets as many as they take, broken at spaces.
   * @param lead what the first one begins with; those that it is broken into begin under its end
   */
  note(text: string, lead = ""): void {
    const width = terminalWidthColumns("stderr") ?? Number.POSITIVE_INFINITY;
    const lines = text.split("\n").flatMap((line) => {
      const [indent = ""] = /^ */.exec(line) ?? [];
      return wrapHanging(lead + indent, line.slice(indent.length), width);
    });
    writeAll("stderr", `${lines.join("\n")}\n`);
  }
}
