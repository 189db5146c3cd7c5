import type { ForeignNotes } from "../foreign/foreign-model.ts";

/**
 * A text of keepalived.conf(5) as statements: the words of a line, and the block after them. `#` and `!` begin a comment
 * outside quotes, and a brace may stand on the next line.
 */
export interface Statement {
  readonly line: number;
  /** The first word. */
  readonly keyword: string;
  readonly words: readonly string[];
  readonly block: readonly Statement[] | undefined;
}

/** Deeper nesting than keepalived's own four levels is a mistake, and recursion has an end. */
const MAX_DEPTH = 20;
const MAX_LINE_LENGTH = 65_536;

interface Token {
  readonly kind: "word" | "open" | "close" | "end of line";
  readonly text: string;
  readonly line: number;
}

function tokensOfLine(text: string, line: number): Token[] {
  const tokens: Token[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|([{}])|([#!].*)|([^\s{}"#!]+)/g;
  for (const [, quoted, brace, comment, word] of text.matchAll(pattern)) {
    if (comment !== undefined) break;
    if (brace !== undefined) tokens.push({ kind: brace === "{" ? "open" : "close", text: brace, line });
    else tokens.push({ kind: "word", text: quoted?.replaceAll(/\\(.)/g, "$1") ?? word ?? "", line });
  }
  return [...tokens, { kind: "end of line", text: "", line }];
}

/** Puts the values of `$NAME=value` lines where `$NAME` or `${NAME}` stands. */
function withDefinitions(text: string): string {
  const values = new Map<string, string>();
  return text
    .split("\n")
    .map((line) => {
      const replaced = line.replaceAll(
        /\$\{?([A-Za-z_]\w*)\}?(?!\w*=)/g,
        (whole, name: string) => values.get(name) ?? whole,
      );
      // Definitions of definitions grow without end.
      if (replaced.length > MAX_LINE_LENGTH) return line;
      const definition = /^\s*\$([A-Za-z]\w*)=(.*)$/.exec(replaced);
      if (definition === null) return replaced;
      values.set(definition[1] ?? "", (definition[2] ?? "").trim());
      return "";
    })
    .join("\n");
}

class BlockReader {
  readonly #tokens: readonly Token[];
  readonly #notes: ForeignNotes;
  #next = 0;

  constructor(tokens: readonly Token[], notes: ForeignNotes) {
    this.#tokens = tokens;
    this.#notes = notes;
  }

  /** Statements up to the closing brace, or up to the end. */
  read(depth: number): Statement[] {
    const statements: Statement[] = [];
    while (this.#next < this.#tokens.length) {
      const token = this.#tokens[this.#next];
      if (token === undefined) break;
      if (token.kind === "close") {
        if (depth === 0) this.#notes.error(token.line, "this } closes nothing");
        this.#next += 1;
        if (depth > 0) return statements;
      } else if (token.kind === "end of line") this.#next += 1;
      else statements.push(this.#statement(token.line, depth));
    }
    if (depth > 0) this.#notes.error(this.#tokens.at(-1)?.line ?? 1, "a block is not closed at the end of the file");
    return statements;
  }

  #statement(line: number, depth: number): Statement {
    const words: string[] = [];
    while (this.#tokens[this.#next]?.kind === "word") {
      words.push(this.#tokens[this.#next]?.text ?? "");
      this.#next += 1;
    }
    const block = this.#opens() ? this.#block(line, depth) : undefined;
    return { line, keyword: words[0] ?? "", words, block };
  }

  /** Whether a block begins here or on a line below. */
  #opens(): boolean {
    let at = this.#next;
    while (this.#tokens[at]?.kind === "end of line") at += 1;
    if (this.#tokens[at]?.kind !== "open") return false;
    this.#next = at + 1;
    return true;
  }

  #block(line: number, depth: number): Statement[] {
    if (depth < MAX_DEPTH) return this.read(depth + 1);
    this.#notes.error(line, `blocks are nested more than ${MAX_DEPTH} deep`);
    this.#next = this.#tokens.length;
    return [];
  }
}

/** Reads a text; what is wrong with it goes to `notes`. */
export function readBlocks(text: string, notes: ForeignNotes): Statement[] {
  const tokens = withDefinitions(text)
    .split(/\r?\n/)
    .flatMap((line, index) => tokensOfLine(line, index + 1));
  return new BlockReader(tokens, notes).read(0);
}
