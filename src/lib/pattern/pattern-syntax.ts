/**
 * Regular expressions over bytes, as far as they can be matched in one pass: no backreferences and no looking around.
 * What a pattern says otherwise means what it means in JavaScript with the flag `m`, but for two things: a character
 * beyond ASCII stands for its bytes in UTF-8, and `.` takes a carriage return, so that `.*\n` goes to the end of a line.
 */
import { type Parsed, parsed, problem } from "../parsed.ts";

/** Where a pattern may hold without taking a byte. */
export type PatternAssertion = "line-start" | "line-end" | "word-edge" | "no-word-edge";

export type PatternNode =
  | { readonly kind: "bytes"; readonly set: ByteSet }
  | { readonly kind: "assertion"; readonly assertion: PatternAssertion }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly parts: readonly PatternNode[] }
  /** `max` undefined: as often as it can. */
  | { readonly kind: "repeat"; readonly part: PatternNode; readonly min: number; readonly max: number | undefined };

/** One flag for each of the 256 bytes. */
export type ByteSet = Readonly<Uint8Array>;

/** How often `{n,m}` may repeat; each turn makes the program longer. */
const REPEAT_MAX = 1_000;

class SyntaxProblem extends Error {}

function fail(text: string): never {
  throw new SyntaxProblem(text);
}

function setOf(isIn: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_none, byte) => (isIn(byte) ? 1 : 0));
}

/** JavaScript's \w. */
export function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || (byte >= 0x61 && byte <= 0x7a)
  );
}

/** The ends of lines that `^` and `$` know. */
export function isLineEnd(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d;
}

const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
/** JavaScript's \s within Latin-1. */
const isSpace = (byte: number) => (byte >= 0x09 && byte <= 0x0d) || byte === 0x20 || byte === 0xa0;

const CLASSES: Readonly<Record<string, ByteSet>> = {
  d: setOf(isDigit),
  D: setOf((byte) => !isDigit(byte)),
  w: setOf(isWordByte),
  W: setOf((byte) => !isWordByte(byte)),
  s: setOf(isSpace),
  S: setOf((byte) => !isSpace(byte)),
};
const ANY_BUT_NEWLINE = setOf((byte) => byte !== 0x0a);
const CONTROLS: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, "0": 0 };
const QUANTIFIERS: Readonly<Record<string, readonly [number, number | undefined]>> = {
  "*": [0, undefined],
  "+": [1, undefined],
  "?": [0, 1],
};

class Parser {
  readonly #letters: readonly string[];
  readonly #ignoreCase: boolean;
  #at = 0;

  constructor(text: string) {
    this.#ignoreCase = text.startsWith("(?i)");
    this.#letters = [...(this.#ignoreCase ? text.slice(4) : text)];
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#letters.length) fail('there is a ")" without a "("');
    return node;
  }

  #peek(): string | undefined {
    return this.#letters[this.#at];
  }

  #take(): string {
    this.#at += 1;
    return this.#letters[this.#at - 1] ?? fail("it ends too early");
  }

  /** Goes on behind `text` where that comes next. */
  #skip(text: string): boolean {
    const found = [...text].every((letter, index) => this.#letters[this.#at + index] === letter);
    if (found) this.#at += text.length;
    return found;
  }

  #choice(): PatternNode {
    const parts = [this.#sequence()];
    while (this.#skip("|")) parts.push(this.#sequence());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "choice", parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek()) {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: "sequence", parts };
  }

  #repeated(part: PatternNode): PatternNode {
    const times = this.#quantifier();
    if (times === undefined) return part;
    if (part.kind === "assertion") fail("an assertion is repeated");
    // Lazy: the same texts match.
    this.#skip("?");
    const next = this.#peek();
    if (next === "*" || next === "+" || next === "?") fail(`there is nothing to repeat before "${next}"`);
    const [min, max] = times;
    return { kind: "repeat", part, min, max };
  }

  #quantifier(): readonly [number, number | undefined] | undefined {
    const next = this.#peek();
    if (next === undefined) return undefined;
    const simple = Object.hasOwn(QUANTIFIERS, next) ? QUANTIFIERS[next] : undefined;
    if (simple !== undefined) this.#at += 1;
    return simple ?? (next === "{" ? this.#counted() : undefined);
  }

  /** `{2}`, `{2,}`, `{2,5}`; any other brace is a letter. */
  #counted(): readonly [number, number | undefined] | undefined {
    const rest = this.#letters.slice(this.#at, this.#at + 16).join("");
    const found = /^\{(\d{1,6})(,(\d{1,6})?)?\}/.exec(rest);
    if (found === null) return undefined;
    this.#at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === undefined ? undefined : Number(found[3]);
    if (Math.max(min, max ?? 0) > REPEAT_MAX) fail(`it repeats more than ${REPEAT_MAX} times`);
    if (max !== undefined && max < min) fail(`${found[0]} ends before it begins`);
    return [min, max];
  }

  #atom(): PatternNode {
    const letter = this.#take();
    switch (letter) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "bytes", set: this.#class() };
      case ".":
        return { kind: "bytes", set: ANY_BUT_NEWLINE };
      case "^":
        return { kind: "assertion", assertion: "line-start" };
      case "$":
        return { kind: "assertion", assertion: "line-end" };
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        return fail(`there is nothing to repeat before "${letter}"`);
      default:
        return this.#literal(letter);
    }
  }

  #group(): PatternNode {
    if (this.#skip("?")) {
      if (this.#skip("=") || this.#skip("!") || this.#skip("<=") || this.#skip("<!")) {
        fail("it looks ahead or behind, which one pass over an answer can't");
      }
      const named = /^<[A-Za-z_$][\w$]{0,99}>/.exec(this.#letters.slice(this.#at, this.#at + 102).join(""));
      if (named !== null) this.#at += named[0].length;
      else if (!this.#skip(":")) fail('a group begins "(", "(?:" or "(?<NAME>"; "(?i)" only begins a pattern');
    }
    const inner = this.#choice();
    if (!this.#skip(")")) fail('there is a "(" without a ")"');
    return inner;
  }

  #escape(): PatternNode {
    const letter = this.#peek();
    if (letter === "b" || letter === "B") {
      this.#at += 1;
      return { kind: "assertion", assertion: letter === "b" ? "word-edge" : "no-word-edge" };
    }
    const found = this.#escaped();
    return typeof found === "number" ? this.#byte(found) : { kind: "bytes", set: found };
  }

  /** What follows a backslash, in a class or outside: one byte, or a set of them. */
  #escaped(): number | ByteSet {
    const letter = this.#take();
    const known = Object.hasOwn(CLASSES, letter) ? CLASSES[letter] : undefined;
    if (known !== undefined) return known;
    if (letter === "x" || letter === "u") return this.#hexadecimal(letter === "x" ? 2 : 4);
    if (letter === "0" && /\d/.test(this.#peek() ?? "")) fail("\\0 has a digit after it; write a byte as \\xHH");
    const control = Object.hasOwn(CONTROLS, letter) ? CONTROLS[letter] : undefined;
    if (control !== undefined) return control;
    if (/[1-9k]/.test(letter)) fail(`it refers back to a group (\\${letter}), which one pass over an answer can't`);
    if (/[A-Za-z]/.test(letter)) fail(`\\${letter} is not known`);
    const code = letter.codePointAt(0) ?? 0;
    return code < 0x80 ? code : fail("a backslash stands before a letter that needs none");
  }

  #hexadecimal(digits: number): number {
    const text = this.#letters.slice(this.#at, this.#at + digits).join("");
    if (!/^[0-9a-fA-F]+$/.test(text) || text.length < digits) fail(`a byte is written as \\xHH`);
    this.#at += digits;
    const value = Number.parseInt(text, 16);
    return value < 0x100 ? value : fail(`\\u${text} is more than one byte; write its bytes as \\xHH`);
  }

  #class(): ByteSet {
    const isNegated = this.#skip("^");
    const set = new Uint8Array(256);
    while (!this.#skip("]")) {
      const first = this.#member();
      const isRange = this.#peek() === "-" && this.#letters[this.#at + 1] !== "]";
      if (typeof first !== "number") {
        for (let byte = 0; byte < 256; byte += 1) set[byte] = (set[byte] ?? 0) | (first[byte] ?? 0);
        continue;
      }
      if (isRange) this.#at += 1;
      const last = isRange ? this.#member() : first;
      if (typeof last !== "number") fail("a range in [] ends with a class");
      else if (last < first) fail("a range in [] ends before it begins");
      else set.fill(1, first, last + 1);
    }
    const cased = this.#cased(set);
    return isNegated ? setOf((byte) => cased[byte] === 0) : cased;
  }

  #member(): number | ByteSet {
    if (this.#peek() === undefined) fail('there is a "[" without a "]"');
    const letter = this.#take();
    if (letter === "\\") {
      // In a class it is a backspace.
      if (this.#skip("b")) return 0x08;
      return this.#escaped();
    }
    const code = letter.codePointAt(0) ?? 0;
    return code < 0x80 ? code : fail("a letter in [] is more than one byte; write bytes as \\xHH, or use (a|b)");
  }

  #literal(letter: string): PatternNode {
    const bytes = new TextEncoder().encode(letter);
    const parts = Array.from(bytes, (byte) => this.#byte(byte));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "sequence", parts };
  }

  #byte(byte: number): PatternNode {
    return { kind: "bytes", set: this.#cased(setOf((other) => other === byte)) };
  }

  /** With (?i), a letter of ASCII brings its other case along. */
  #cased(set: ByteSet): ByteSet {
    if (!this.#ignoreCase) return set;
    const hasLetter = (byte: number) => {
      const other = byte ^ 0x20;
      return set[other] === 1 && (other | 0x20) >= 0x61 && (other | 0x20) <= 0x7a;
    };
    return setOf((byte) => set[byte] === 1 || hasLetter(byte));
  }
}

/** Reads a pattern. `(?i)` at its beginning: upper and lower case are the same. */
export function parsePatternSyntax(text: string): Parsed<PatternNode> {
  try {
    return parsed(new Parser(text).parse());
  } catch (error) {
    if (error instanceof SyntaxProblem) return problem(error.message);
    throw error;
  }
}
