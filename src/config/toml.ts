import { parse, TomlError } from "smol-toml";
import { openStringStart } from "./open-string.ts";
import { MAX_NESTING } from "./position.ts";

/**
 * TOML text to plain values by smol-toml, which stops at the first mistake. So that a file's mistakes come all at once,
 * the statement with the mistake is blanked out and the rest is read again, as long as it is clear where that
 * statement begins and ends.
 */

/** A place where the text is not TOML. Line and column count from 1. */
export interface SyntaxIssue {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
  /** A key or table that was there before. */
  readonly isRepeat: boolean;
}

/** What could be read. */
export interface TomlResult {
  /** The values of what is TOML in the text; undefined when the rest can't be told from the mistake. */
  readonly root: unknown;
  readonly issues: readonly SyntaxIssue[];
  /** The text with spaces in place of the statements with mistakes: all offsets are those of the original. */
  readonly cleaned: string;
}

const MAX_SYNTAX_ISSUES = 20;
/** Each mistake costs two more passes; beyond this size only the first one is told. */
const MAX_RECOVERY_LENGTH = 1024 * 1024;

/** A statement that begins in this line: a header, or a key with an equals sign. */
const STATEMENT = /^\s*(?:\[|(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*\s*=)/;
const HEADER = /^\s*\[/;

function attempt(text: string): { readonly root: unknown } | { readonly error: TomlError | undefined } {
  try {
    return { root: parse(text, { maxDepth: MAX_NESTING }) };
  } catch (error) {
    return { error: error instanceof TomlError ? error : undefined };
  }
}

/** The usual slips, which TOML's own words don't explain: a text without quotes, `yes` for `true`. */
function hintFor(line: string): string | undefined {
  const match = /^\s*([A-Za-z0-9_.-]+)\s*=\s*([^"'[{#\s][^#]*?)\s*(?:#.*)?$/.exec(line);
  const [, key, value] = match ?? [];
  if (key === undefined || value === undefined || "root" in attempt(`value = ${value}`)) return undefined;
  if (/^(?:yes|on|True|TRUE)$/.test(value)) return `${key} = true`;
  if (/^(?:no|off|False|FALSE)$/.test(value)) return `${key} = false`;
  return /["\\]|^[-+_\d]+$/.test(value) || value.length > 60
    ? undefined
    : `a text stands in quotes: ${key} = "${value}"`;
}

/**
 * A string without its closing quotes. The parser means the line end when it speaks of a control character, and the
 * place where it stops is not the one to look at.
 */
function unclosedString(error: TomlError, lines: readonly string[]): SyntaxIssue | undefined {
  const line = lines[error.line - 1] ?? "";
  const isAtLineEnd = line.slice(error.column - 1).trim() === "";
  const isOpen = isAtLineEnd && error.message.includes("control characters are not allowed in strings");
  if (!isOpen && !error.message.includes("unfinished string")) return undefined;
  // What the parser calls unfinished stands at its beginning: then the quotes there are the ones to find.
  const read = isOpen ? error.column - 1 : line.length;
  const before = [...lines.slice(0, error.line - 1), line.slice(0, read)].join("\n");
  const start = openStringStart(before);
  if (start === undefined) return undefined;
  const above = before.slice(0, start).split("\n");
  const [quote] = before.slice(start).match(/^(?:"""|'''|"|')/) ?? [""];
  return {
    line: above.length,
    column: (above.at(-1) ?? "").length + 1,
    message: "this is not TOML: the string that begins here is not closed",
    hint: `close it with ${quote}${quote.length === 1 ? " in the same line" : ""}`,
    isRepeat: false,
  };
}

function toIssue(error: TomlError, lines: readonly string[]): SyntaxIssue {
  const unclosed = unclosedString(error, lines);
  if (unclosed !== undefined) return unclosed;
  const reason = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
  const hint = hintFor(lines[error.line - 1] ?? "");
  return {
    line: error.line,
    column: error.column,
    message: `this is not TOML: ${reason}`,
    ...(hint === undefined ? {} : { hint }),
    isRepeat: reason.includes("redefine"),
  };
}

/** The lines with the statement of line `index` blanked: that line, or a header with all that belongs to it. */
function withoutStatement(lines: readonly string[], index: number): readonly string[] | undefined {
  const line = lines[index] ?? "";
  if (!STATEMENT.test(line)) return undefined;
  // A statement that began further up (an open bracket or quote) can't be cut out by its last line.
  if (!("root" in attempt(lines.slice(0, index).join("\n")))) return undefined;
  let end = index + 1;
  if (HEADER.test(line)) while (end < lines.length && !HEADER.test(lines[end] ?? "")) end += 1;
  return lines.map((text, at) => (at < index || at >= end ? text : text.replace(/[^\r]/g, " ")));
}

/** Reads TOML. Never throws. */
export function readToml(text: string): TomlResult {
  const issues: SyntaxIssue[] = [];
  let lines: readonly string[] = text.split("\n");
  let cleaned = text;
  for (;;) {
    const result = attempt(cleaned);
    if ("root" in result) return { root: result.root, issues, cleaned };
    const { error } = result;
    if (error === undefined) {
      issues.push({ line: 1, column: 1, message: "this is not TOML that can be read", isRepeat: false });
      return { root: undefined, issues, cleaned };
    }
    issues.push(toIssue(error, lines));
    const rest = text.length > MAX_RECOVERY_LENGTH ? undefined : withoutStatement(lines, error.line - 1);
    if (rest === undefined || issues.length >= MAX_SYNTAX_ISSUES) return { root: undefined, issues, cleaned };
    lines = rest;
    cleaned = lines.join("\n");
  }
}
