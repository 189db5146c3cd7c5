import { assert } from "../../lib/assert.ts";
import type { ConfigIssue } from "../keys/config.ts";
import { TOP } from "../keys/table-type.ts";
import { isTable, type ValueType } from "../keys/value-type.ts";
import { type Finding, Findings, Place } from "../places/place.ts";
import { Places, type TomlText } from "../places/places.ts";
import { LineIndex, offsetOf, scanPositions } from "../places/position.ts";
import { readToml, type SyntaxIssue, type TomlResult } from "./toml.ts";

/** Room for some 100,000 real servers. */
export const MAX_TOML_BYTES = 16 * 1024 * 1024;

/** What reading a TOML text by a schema gives: the value with warnings, or every issue found. */
export type TomlFileResult<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly ConfigIssue[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Finds the headers of the tables that have a key of this name. */
export type TablesWithKey = (key: string) => readonly string[];

/** How what was read becomes `T`. `resolve` reports what doesn't fit together, and gives undefined only after a report. */
export interface TomlSchema<R, T> {
  readonly type: ValueType<R>;
  readonly resolve: (root: R) => T | undefined;
  readonly tablesWithKey: TablesWithKey;
  /** The lists of tables that an included file may have; it may have nothing else. */
  readonly includable?: readonly string[];
}

/** A key that belongs to another table most often stands after that table's header by mistake. */
function withHint({ hint, unknownKey }: Finding, tablesWithKey: TablesWithKey): { readonly hint?: string } {
  if (hint !== undefined) return { hint };
  if (unknownKey === undefined) return {};
  const homes = tablesWithKey(unknownKey.name);
  if (homes.length === 0) return { hint: `it has ${unknownKey.known.join(", ")}` };
  if (homes.includes(TOP)) return { hint: `${unknownKey.name} belongs to the ${TOP}, above the first table` };
  return { hint: `${unknownKey.name} is a key of ${homes.join(", ")}, to stand right after that header` };
}

function lineOfFirst(first: string, at: ConfigIssue, places: Places): string {
  const { file, line } = places.locate(first, "key");
  if (file === at.file) return `line ${line}`;
  return file === undefined ? `line ${line} of the main file` : `line ${line} of ${file}`;
}

function issueOf(finding: Finding, places: Places, tablesWithKey: TablesWithKey): ConfigIssue {
  const { path, at, message, file, first } = finding;
  const issue = { ...places.locate(path, at, file), path, message, ...withHint(finding, tablesWithKey) };
  if (first === undefined) return issue;
  return { ...issue, message: `${message}; the first is in ${lineOfFirst(first, issue, places)}` };
}

/** The path of the key or table in this line that stands a second time where TOML allows one, with the line of the first. */
function repeatAt(text: string, line: number): { readonly path: string; readonly firstLine: number } | undefined {
  const lines = new LineIndex(text);
  const positions = scanPositions(text);
  for (const [offset, path] of positions.repeats) {
    if (lines.locate(offset).line !== line) continue;
    return { path, firstLine: lines.locate(offsetOf(positions, path, "key")).line };
  }
  return undefined;
}

/** A mistake in the syntax; what stands a second time is told with the line of the first. */
function syntaxIssueOf({ path: file, text }: TomlText, issue: SyntaxIssue): ConfigIssue {
  const { line, column, message, hint, isRepeat } = issue;
  const place = { ...(file === undefined ? {} : { file }), line, column };
  const repeat = isRepeat ? repeatAt(text, line) : undefined;
  if (repeat === undefined) return { ...place, path: "", message, ...(hint === undefined ? {} : { hint }) };
  const { path, firstLine } = repeat;
  return { ...place, path, message: `${path} is given twice; the first is in line ${firstLine}` };
}

/** What is wrong with a text before it is read. */
function textIssue({ path: file, text }: TomlText): ConfigIssue | undefined {
  const at = file === undefined ? {} : { file };
  if (text.length > MAX_TOML_BYTES) {
    const message = `the file has ${text.length} characters; the limit is ${MAX_TOML_BYTES}`;
    return { ...at, line: 1, column: 1, path: "", message };
  }
  if (text.isWellFormed()) return undefined;
  const place = new LineIndex(text).locate(text.search(/\p{Surrogate}/u));
  return { ...at, ...place, path: "", message: "there is half a character here, which is no Unicode text" };
}

/** The root of the main file, whose lists go on with those of the included ones. */
function mergedRoot(read: readonly TomlResult[], includable: readonly string[], findings: Findings): unknown {
  const root = read[0]?.root;
  if (read.length === 1 || !isTable(root)) return root;
  const merged: Record<string, unknown> = { ...root };
  for (const [index, { root: included }] of read.entries()) {
    if (index === 0 || !isTable(included)) continue;
    const place = Place.root(findings, index);
    for (const [key, value] of Object.entries(included)) {
      if (!includable.includes(key)) reportNotIncludable(place.key(key), includable);
      else if (Array.isArray(value)) merged[key] = continued(merged[key], value);
      else
        place.key(key).keyError(`${key} is a list of tables`, `write [[${key}]], with two brackets, for each of them`);
    }
  }
  return merged;
}

/** What is no list is told as such. */
function continued(list: unknown, more: readonly unknown[]): unknown {
  if (list === undefined) return more;
  return Array.isArray(list) ? [...list, ...more] : list;
}

function reportNotIncludable(place: Place, includable: readonly string[]): void {
  const tables = includable.map((name) => `[[${name}]]`).join(", ");
  const hint = place.name === "include" ? "name those files in the main file as well" : "it belongs in the main file";
  place.keyError(`a file that is included can have ${tables} and nothing else, not ${place.name}`, hint);
}

/**
 * Reads a TOML text by its schema and makes `T` of what was read, together with the files that it includes. Nothing is
 * thrown: what is wrong comes back as issues, all of them at once, in the order of the files and their lines.
 * @param texts the main file first
 */
export function parseTomlFiles<R, T>(texts: readonly TomlText[], schema: TomlSchema<R, T>): TomlFileResult<T> {
  const unreadable = texts.flatMap((one) => textIssue(one) ?? []);
  if (unreadable.length > 0) return { ok: false, issues: unreadable };
  const read = texts.map(({ text }) => readToml(text));
  const findings = new Findings();
  const root = mergedRoot(read, schema.includable ?? [], findings);
  const table = root === undefined ? undefined : schema.type.read(root, Place.root(findings));
  const value = table === undefined ? undefined : schema.resolve(table);
  const syntaxIssues = texts.flatMap((one, index) =>
    (read[index]?.issues ?? []).map((issue) => syntaxIssueOf(one, issue)),
  );
  // What could not be read is in no list, so nothing in it may be counted.
  const cleaned = texts.map((one, index) => ({ ...one, text: textRead(read[index]) }));
  const places = new Places("", cleaned);
  const located = (list: readonly Finding[]) => list.map((finding) => issueOf(finding, places, schema.tablesWithKey));
  if (syntaxIssues.length === 0 && findings.errors.length === 0) {
    assert(value !== undefined, "a file without errors gave no value");
    return { ok: true, value, warnings: places.inOrder(located(findings.warnings)) };
  }
  // After a statement was blanked out, what is missing may have stood there.
  const errors = syntaxIssues.length === 0 ? findings.errors : findings.errors.filter((finding) => !finding.missing);
  return { ok: false, issues: places.inOrder([...syntaxIssues, ...located(errors)]) };
}

function textRead(read: TomlResult | undefined): string {
  return read?.root === undefined ? "" : read.cleaned;
}

/** The same for a text that includes nothing. */
export function parseTomlFile<R, T>(
  text: string,
  type: ValueType<R>,
  resolve: (root: R) => T | undefined,
  tablesWithKey: TablesWithKey,
): TomlFileResult<T> {
  return parseTomlFiles([{ text }], { type, resolve, tablesWithKey });
}
