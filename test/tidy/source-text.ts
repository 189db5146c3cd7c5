/** A source file as the tidy rules see it: as text. Type-only imports count, which a bundler's list would leave out. */
export interface SourceFile {
  /** From the project's root: `src/failover/evidence/peer.ts`. */
  readonly path: string;
  readonly text: string;
}

/** What a rule found; `line` counts from 1. The message names what to use instead. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Before these a slash begins a regular expression, not a division. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};>]|\breturn|\bcase)\s*$/;

/** The end of a literal or comment that begins at `start`, and whether one does. */
function endOfSkipped(text: string, start: number): number | undefined {
  const two = text.slice(start, start + 2);
  if (two === "//") return nonNegative(text.indexOf("\n", start), text.length);
  if (two === "/*") return nonNegative(text.indexOf("*/", start + 2), text.length) + 2;
  const quote = text[start];
  if (quote === '"' || quote === "'" || quote === "`") return endOfQuoted(text, start, quote);
  if (quote !== "/" || !BEFORE_REGEX.test(text.slice(Math.max(0, start - 40), start))) return undefined;
  const regex = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//.exec(text.slice(start));
  return regex === null ? undefined : start + regex[0].length;
}

function nonNegative(index: number, fallback: number): number {
  return index < 0 ? fallback : index;
}

function endOfQuoted(text: string, start: number, quote: string): number {
  let index = start + 1;
  while (index < text.length && text[index] !== quote) {
    if (text[index] === "\\") index += 2;
    else if (quote === "`" && text.startsWith("${", index)) index = endOfInterpolation(text, index + 2);
    else index += 1;
  }
  return index + 1;
}

function endOfInterpolation(text: string, start: number): number {
  let depth = 1;
  let index = start;
  while (index < text.length && depth > 0) {
    const skipped = endOfSkipped(text, index);
    if (skipped !== undefined) {
      index = skipped;
      continue;
    }
    if (text[index] === "{") depth += 1;
    if (text[index] === "}") depth -= 1;
    index += 1;
  }
  return index;
}

/**
 * The text with comments and literals made blank, so that words in them are no code. Lines stay where they are.
 * Code inside a template literal's interpolation is blank as well.
 */
export function codeOnly(text: string): string {
  let code = "";
  let index = 0;
  while (index < text.length) {
    const end = endOfSkipped(text, index);
    if (end === undefined) {
      code += text[index];
      index += 1;
    } else {
      code += text.slice(index, end).replace(/[^\n]/g, " ");
      index = end;
    }
  }
  return code;
}

export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

const IMPORT =
  /^(?:import|export)\b[^;"']*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|\bnew URL\(\s*"(\.[^"]+)"/gm;

/** Everything that a file imports: statically, as a type, when it runs, or as a Worker's URL. */
export function importsOf({ text }: SourceFile): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => ({
    specifier: match[1] ?? match[2] ?? match[3] ?? match[4] ?? "",
    line: lineOf(text, match.index),
  }));
}

/** The path of a relative import, from the project's root. */
export function resolveImport(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
