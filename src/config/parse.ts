import { assert } from "../lib/assert.ts";
import type { Config, ConfigIssue, ConfigResult } from "./config.ts";
import { type Finding, Findings, Place } from "./place.ts";
import { LineIndex, offsetOf, type Positions, scanPositions } from "./position.ts";
import { tablesWithKey } from "./reference.ts";
import { ownAddresses, resolvePair } from "./resolve-pair.ts";
import { resolveHooks, resolveLog, resolveSync } from "./resolve-rest.ts";
import { resolveServices } from "./resolve-service.ts";
import { resolveVips } from "./resolve-vips.ts";
import { FILE } from "./schema.ts";
import { whole } from "./table-type.ts";
import { readToml, type SyntaxIssue } from "./toml.ts";

/** Room for some 100,000 real servers. */
export const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

function resolve(root: unknown, findings: Findings): Config | undefined {
  const file = FILE.read(root, Place.root(findings));
  if (file === undefined) return undefined;
  const { fields } = file;
  const pair = resolvePair(fields.pair);
  const vips = resolveVips(fields.vip, ownAddresses(fields.pair));
  if (fields.vip === undefined && !file.given.has("vip")) {
    file.place.warn("there is no [[vip]], so the routers have nothing to move");
  }
  const services = resolveServices(fields.service, vips);
  const sync = resolveSync(fields.sync, services, pair);
  return whole({ pair, vips, services, sync, hooks: resolveHooks(fields.hooks), log: resolveLog(fields.log) });
}

/** A key that belongs to another table most often stands after that table's header by mistake. */
function withHint({ hint, unknownKey }: Finding): { readonly hint?: string } {
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

  issue(finding: Finding): ConfigIssue {
    const first = finding.first === undefined ? "" : `; the first is in line ${this.#lineOf(finding.first)}`;
    return {
      ...this.#lines.locate(offsetOf(this.#positions, finding.path, finding.at)),
      path: finding.path,
      message: `${finding.message}${first}`,
      ...withHint(finding),
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
function located(findings: readonly Finding[], text: string): readonly ConfigIssue[] {
  if (findings.length === 0) return [];
  const locator = new Locator(text);
  return inOrder(findings.map((finding) => locator.issue(finding)));
}

function syntaxIssuesOf(text: string, issues: readonly SyntaxIssue[]): readonly ConfigIssue[] {
  if (issues.length === 0) return [];
  const locator = new Locator(text);
  return issues.map((issue) => locator.syntaxIssue(issue));
}

/**
 * Reads a configuration file. Pure, and nothing is thrown: what is wrong with the text comes back as issues, all of
 * them at once, in the order of the file.
 */
export function parseConfig(text: string): ConfigResult {
  if (text.length > MAX_CONFIG_BYTES) {
    const message = `the file has ${text.length} characters; the limit is ${MAX_CONFIG_BYTES}`;
    return { ok: false, issues: [{ line: 1, column: 1, path: "", message }] };
  }
  const { root, issues: syntaxIssues, cleaned } = readToml(text);
  const findings = new Findings();
  const config = root === undefined ? undefined : resolve(root, findings);
  if (syntaxIssues.length === 0 && findings.errors.length === 0) {
    assert(config !== undefined, "a file without errors gave no configuration");
    return { ok: true, config, warnings: located(findings.warnings, text) };
  }
  // After a statement was blanked out, what is missing may have stood there.
  const errors = syntaxIssues.length === 0 ? findings.errors : findings.errors.filter((finding) => !finding.missing);
  const issues = [...syntaxIssuesOf(text, syntaxIssues), ...located(errors, cleaned)];
  return { ok: false, issues: inOrder(issues) };
}
