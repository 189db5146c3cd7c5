import { formatKey } from "./place.ts";

/**
 * Where each key and value of a TOML text stands. smol-toml, which decides what is valid, keeps no positions, so this
 * walks over a text that it has accepted and only notes where things begin. It runs only when there is something to
 * report. On a text that smol-toml would refuse it stops early; it never throws.
 */

/** Offsets into the text, in UTF-16 code units. */
export interface Span {
  readonly key: number;
  readonly value: number;
}

/** Spans by path, as `Place` writes paths: `service[0].real[1].address`. */
export interface Positions {
  readonly spans: ReadonlyMap<string, Span>;
  /** Keys and headers that stand a second time where TOML allows one: path by offset. */
  readonly repeats: ReadonlyMap<number, string>;
}

/** One key of a dotted key, with where it begins. */
interface KeyPart {
  readonly name: string;
  readonly offset: number;
}

/** As deep as smol-toml is told to go; see parse.ts. */
export const MAX_NESTING = 32;

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BLANK = /[ \t]*/y;
const BLANK_LINES = /[ \t\r\n]*/y;
const COMMENT = /#[^\n]*/y;
/** The longer ones first, since each begins with the shorter one. */
const QUOTES = ['"""', "'''", '"', "'"];
const BARE_VALUE = /[^,\]}#\r\n]*/y;

/** Notes positions while it walks over one text. */
class Scanner {
  readonly spans = new Map<string, Span>();
  readonly #text: string;
  #offset = 0;
  readonly #headers = new Set<string>();
  /** How many tables each list of tables has so far. */
  readonly #tableCounts = new Map<string, number>();

  constructor(text: string) {
    this.#text = text;
  }

  /** Keys and headers that stand a second time where TOML allows one, by their offset. */
  readonly repeats = new Map<number, string>();

  run(): void {
    let table = "";
    if (this.#text.startsWith("\ufeff")) this.#offset = 1;
    for (;;) {
      this.#skipBlankLines();
      if (this.#offset >= this.#text.length) return;
      const header = this.#text[this.#offset] === "[" ? this.#header() : undefined;
      if (header !== undefined) table = header;
      else if (!this.#pair(table, 0)) return;
    }
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#offset += found.length;
    return found;
  }

  #skipBlankLines(): void {
    do this.#skip(BLANK_LINES);
    while (this.#skip(COMMENT) !== "");
  }

  /** A text in any of the four kinds of quotes, with them; empty where none stands. */
  #quoted(): string {
    const start = this.#offset;
    const quote = QUOTES.find((candidate) => this.#accept(candidate));
    if (quote === undefined) return "";
    while (this.#offset < this.#text.length && !this.#accept(quote)) {
      // Not closed in its line: not TOML, but the next line is read all the same.
      if (quote.length === 1 && this.#text[this.#offset] === "\n") break;
      this.#offset += quote.startsWith('"') && this.#text[this.#offset] === "\\" ? 2 : 1;
    }
    // Up to two quotes may stand right before the closing three (TOML 1.0, "String").
    if (quote.length === 3) for (let more = 0; more < 2; more += 1) this.#accept(quote.slice(0, 1));
    return this.#text.slice(start, this.#offset);
  }

  #accept(text: string): boolean {
    if (!this.#text.startsWith(text, this.#offset)) return false;
    this.#offset += text.length;
    return true;
  }

  /** A dotted key; an empty list where none stands. */
  #key(): KeyPart[] {
    const parts: KeyPart[] = [];
    do {
      this.#skip(BLANK);
      const offset = this.#offset;
      const name = this.#skip(BARE_KEY) || unquoted(this.#quoted());
      if (this.#offset === offset) return [];
      parts.push({ name, offset });
      this.#skip(BLANK);
    } while (this.#accept("."));
    return parts;
  }

  #note(path: string, span: Span): void {
    if (!this.spans.has(path)) this.spans.set(path, span);
  }

  /** The path of a table that a header names: in a list of tables, the last one is meant. */
  #inLast(path: string): string {
    const count = this.#tableCounts.get(path);
    return count === undefined ? path : `${path}[${count - 1}]`;
  }

  /** `[a.b]` or `[[a.b]]`: gives its path. */
  #header(): string | undefined {
    const start = this.#offset;
    const isList = this.#accept("[[");
    if (!isList) this.#accept("[");
    const parts = this.#key();
    const last = parts.pop();
    if (last === undefined || !this.#accept(isList ? "]]" : "]")) return undefined;
    const span = { key: start, value: start };
    let path = "";
    for (const part of parts.slice(0, MAX_NESTING)) {
      path = this.#inLast(joined(path, part.name));
      this.#note(path, span);
    }
    path = joined(path, last.name);
    if (!isList && this.#headers.has(path)) this.repeats.set(start, path);
    this.#headers.add(path);
    this.#note(path, span);
    if (!isList) return path;
    const count = this.#tableCounts.get(path) ?? 0;
    this.#tableCounts.set(path, count + 1);
    this.#note(`${path}[${count}]`, span);
    return `${path}[${count}]`;
  }

  /** `a.b = value`. */
  #pair(table: string, depth: number): boolean {
    const parts = this.#key();
    const [first] = parts;
    if (first === undefined || !this.#accept("=")) return false;
    this.#skip(BLANK);
    let path = table;
    for (const [index, part] of parts.slice(0, MAX_NESTING).entries()) {
      path = joined(path, part.name);
      if (index === parts.length - 1 && this.spans.has(path)) this.repeats.set(first.offset, path);
      this.#note(path, { key: part.offset, value: this.#offset });
    }
    return this.#value(path, depth);
  }

  #value(path: string, depth: number): boolean {
    if (depth > MAX_NESTING) return false;
    const start = this.#offset;
    if (this.#accept("[")) return this.#list(path, depth);
    if (this.#accept("{")) return this.#inlineTable(path, depth);
    if (this.#quoted() === "") this.#skip(BARE_VALUE);
    return this.#offset > start;
  }

  #list(path: string, depth: number): boolean {
    for (let index = 0; ; index += 1) {
      this.#skipBlankLines();
      if (this.#accept("]")) return true;
      const item = `${path}[${index}]`;
      this.#note(item, { key: this.#offset, value: this.#offset });
      if (!this.#value(item, depth + 1)) return false;
      this.#skipBlankLines();
      if (!this.#accept(",")) return this.#accept("]");
    }
  }

  #inlineTable(path: string, depth: number): boolean {
    for (;;) {
      this.#skipBlankLines();
      if (this.#accept("}")) return true;
      if (!this.#pair(path, depth + 1)) return false;
      this.#skipBlankLines();
      if (!this.#accept(",")) return this.#accept("}");
    }
  }
}

function joined(path: string, name: string): string {
  return path === "" ? formatKey(name) : `${path}.${formatKey(name)}`;
}

/** A quoted key without its quotes; escapes that JSON doesn't have stay as they are. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text.slice(1, -1);
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** Finds where every key and value of a TOML text stands. */
export function scanPositions(text: string): Positions {
  const scanner = new Scanner(text);
  scanner.run();
  return scanner;
}

/** The path around this one: `a.b[1].c` is in `a.b[1]`, which is in `a.b`. */
function around(path: string): string {
  if (path.endsWith("]")) return path.slice(0, path.lastIndexOf("["));
  const quoted = /(?:^|\.)"(?:[^"\\]|\\.)*"$/.exec(path);
  return quoted === null ? path.slice(0, Math.max(0, path.lastIndexOf("."))) : path.slice(0, quoted.index);
}

/** The offset of what a path names; of what is not in the text, that of the nearest thing around it that is. */
export function offsetOf(positions: Positions, path: string, at: "key" | "value"): number {
  let side = at;
  for (let place = path; place !== ""; place = around(place)) {
    const span = positions.spans.get(place);
    if (span !== undefined) return span[side];
    // The only item of what need not be a list is the value itself; what is missing from a table is shown at its key.
    side = place.endsWith("]") ? at : "key";
  }
  return 0;
}

/** Turns offsets into lines and columns, both from 1. */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
  }

  locate(offset: number): { readonly line: number; readonly column: number } {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}
