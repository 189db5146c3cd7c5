import { assert } from "../lib/assert.ts";
import type { ConfigIssue } from "./config.ts";
import { type Finding, Findings, Place } from "./place.ts";
import { LineIndex, offsetOf, type Positions, scanPositions } from "./position.ts";
import { readToml, type SyntaxIssue } from "./toml.ts";
import type { ValueType } from "./value-type.ts";

/** Room for some 100,000 real servers. */
export const MAX_TOML_BYTES = 16 * 1024 * 1024;

/** What reading a TOML text by a schema gives: the value with warnings, or every issue found. */
export type TomlFileResult<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Finds the headers of the tables that have a key of this name. */
export type TablesWithKey = (key: string) => readonly string[];

/** A key that belongs to another table most often stands after that table's header by mistake. */
function withHint({ hint, unknownKey }: Finding, tablesWithKey: TablesWithKey): { readonly hint?: string } {
  if (hint !== undefined) return { hint };
  if (unknownKey === undefined) return {};
  const homes = tablesWithKey(unknownKey.name);
  if (homes.length === 0) return { hint: `it has ${unknownKey.known.join(", ")}` };
  return { hint: `${unknownKey.name} is a key of ${homes.join(", ")}, to stand right after that header` };
}

/** Gives findings their line and column. */
class Locator {
  readonly #lines: LineIndex;
  readonly #positions: Positions;

  constructor(text: string) {
    this.#lines = new LineIndex(text);
    this.#positions = scanPositions(text);
  }

  issue(finding: Finding, tablesWithKey: TablesWithKey): ConfigIssue {
    const first = finding.first === undefined ? "" : `; the first is in line ${this.#lineOf(finding.first)}`;
    return {
      ...this.#lines.locate(offsetOf(this.#positions, finding.path, finding.at)),
      path: finding.path,
      message: `${finding.message}${first}`,
      ...withHint(finding, tablesWithKey),
    };
  }

  /** A mistake in the syntax; what stands a second time is told with the line of the first. */
  syntaxIssue({ line, column, message, hint, isRepeat }: SyntaxIssue): ConfigIssue {
    const path = isRepeat ? this.#repeatAt(line) : undefined;
    if (path === undefined) return { line, column, path: "", message, ...(hint === undefined ? {} : { hint }) };
    return { line, column, path, message: `${path} is given twice; the first is in line ${this.#lineOf(path)}` };
  }

  #lineOf(path: string): number {
    return this.#lines.locate(offsetOf(this.#positions, path, "key")).line;
  }

  #repeatAt(line: number): string | undefined {
    for (const [offset, path] of this.#positions.repeats) {
      if (this.#lines.locate(offset).line === line) return path;
    }
    return undefined;
  }
}

function inOrder(issues: readonly ConfigIssue[]): readonly ConfigIssue[] {
  return [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Positions are looked up only when there is something to report. */
function located(findings: readonly Finding[], text: string, tablesWithKey: TablesWithKey): readonly ConfigIssue[] {
  if (findings.length === 0) return [];
  const locator = new Locator(text);
  return inOrder(findings.map((finding) => locator.issue(finding, tablesWithKey)));
}

function syntaxIssuesOf(text: string, issues: readonly SyntaxIssue[]): readonly ConfigIssue[] {
  if (issues.length === 0) return [];
  const locator = new Locator(text);
  return issues.map((issue) => locator.syntaxIssue(issue));
}

/**
 * Reads a TOML text by its schema and makes `T` of what was read. `resolve` reports what doesn't fit together, and
 * gives undefined only after a report. Nothing is thrown: what is wrong with the text comes back as issues, all of
 * them at once, in the order of the text.
 */
export function parseTomlFile<R, T>(
  text: string,
  schema: ValueType<R>,
  resolve: (root: R) => T | undefined,
  tablesWithKey: TablesWithKey,
): TomlFileResult<T> {
  if (text.length > MAX_TOML_BYTES) {
    const message = `the file has ${text.length} characters; the limit is ${MAX_TOML_BYTES}`;
    return { ok: false, issues: [{ line: 1, column: 1, path: "", message }] };
  }
  if (!text.isWellFormed()) {
    const place = new LineIndex(text).locate(text.search(/\p{Surrogate}/u));
    return {
      ok: false,
      issues: [{ ...place, path: "", message: "there is half a character here, which is no Unicode text" }],
    };
  }
  const { root, issues: syntaxIssues, cleaned } = readToml(text);
  const findings = new Findings();
  const read = root === undefined ? undefined : schema.read(root, Place.root(findings));
  const value = read === undefined ? undefined : resolve(read);
  if (syntaxIssues.length === 0 && findings.errors.length === 0) {
    assert(value !== undefined, "a file without errors gave no value");
    return { ok: true, value, warnings: located(findings.warnings, text, tablesWithKey) };
  }
  // After a statement was blanked out, what is missing may have stood there.
  const errors = syntaxIssues.length === 0 ? findings.errors : findings.errors.filter((finding) => !finding.missing);
  const issues = [...syntaxIssuesOf(text, syntaxIssues), ...located(errors, cleaned, tablesWithKey)];
  return { ok: false, issues: inOrder(issues) };
}
