import { parse, TomlError } from "smol-toml";
import { MAX_NESTING } from "../places/position.ts";
import { openAtEnd } from "./open-structure.ts";

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

/** How much of the text to the place of the error is read; undefined: the error is not about something that is open. */
function readBefore(error: TomlError, lines: readonly string[]): string | undefined {
  const line = lines[error.line - 1] ?? "";
  const above = lines.slice(0, error.line - 1);
  const upTo = (length: number) => [...above, line.slice(0, length)].join("\n");
  // What the parser calls unfinished stands at its beginning, and ends nowhere.
  if (error.message.includes("unfinished string")) return upTo(line.length);
  const isAtLineEnd = line.slice(error.column - 1).trim() === "";
  // The control character is the line end.
  if (error.message.includes("control characters are not allowed"))
    return isAtLineEnd ? upTo(error.column - 1) : undefined;
  const isAtEnd = isAtLineEnd && error.line >= lines.length;
  const isNext = error.message.includes("expected comma or end of structure") && STATEMENT.test(line);
  return isAtEnd || isNext ? upTo(error.column - 1) : undefined;
}

const KINDS: Readonly<Record<string, string>> = { "]": "list", "}": "inline table" };

/** A string, a list or an inline table without its end: the place where the parser stops is not the one to look at. */
function unclosed(error: TomlError, lines: readonly string[]): SyntaxIssue | undefined {
  const before = readBefore(error, lines);
  const open = before === undefined ? undefined : openAtEnd(before);
  if (before === undefined || open === undefined) return undefined;
  const { offset, closing } = open;
  const above = before.slice(0, offset).split("\n");
  return {
    line: above.length,
    column: (above.at(-1) ?? "").length + 1,
    message: `this is not TOML: the ${KINDS[closing] ?? "string"} that begins here is not closed`,
    hint: `close it with ${closing}${/^["']$/.test(closing) ? " in the same line" : ""}`,
    isRepeat: false,
  };
}

function toIssue(error: TomlError, lines: readonly string[]): SyntaxIssue {
  const open = unclosed(error, lines);
  if (open !== undefined) return open;
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
