import type { ScriptStep } from "../model/check.ts";
import { quoteText } from "./probe-text.ts";
import { TextSearch } from "./text-search.ts";

/** What one expectation of a script looks for, in bytes that come in pieces. */
export interface Matcher {
  /** For the reason: `"220 "`, `/^250 /`. */
  readonly wanted: string;
  readonly found: boolean;
  /** What followed the match in the piece that completed it. */
  readonly rest: Uint8Array;
  readonly seenBytes: number;
  readonly limitBytes: number;
  /** The first bytes that came. */
  readonly head: Uint8Array;
  readonly exhausted: boolean;
  push(bytes: Uint8Array): void;
  /** No more comes: the last chance to match. */
  finish(): void;
}

/** How far into an answer the expected text is looked for: more than any greeting, less than a flood. */
export const EXPECT_LIMIT_BYTES = 64 * 1024;
/** Up to here an expression is tried on each piece; beyond, only when there is an eighth more: bytes one by one cost no square. */
const EAGER_BYTES = 4 * 1024;

class BytesMatcher implements Matcher {
  readonly wanted: string;
  readonly limitBytes: number;
  readonly #search: TextSearch;

  constructor(wanted: Uint8Array | string, shown: string, limitBytes: number) {
    this.wanted = shown;
    this.limitBytes = limitBytes;
    this.#search = new TextSearch(wanted, limitBytes);
  }

  get found(): boolean {
    return this.#search.found;
  }

  get rest(): Uint8Array {
    return this.#search.rest;
  }

  get seenBytes(): number {
    return this.#search.seenBytes;
  }

  get head(): Uint8Array {
    return this.#search.head;
  }

  get exhausted(): boolean {
    return this.#search.exhausted;
  }

  push(bytes: Uint8Array): void {
    this.#search.push(bytes);
  }

  finish(): void {
    // A text is found with its last byte, or not at all.
  }
}

/** A regular expression over Latin-1 characters, one for each byte; `^` and `$` match at line ends too. */
export class RegexMatcher implements Matcher {
  readonly wanted: string;
  readonly limitBytes: number;
  readonly #expression: RegExp;
  readonly #pieces: Uint8Array[] = [];
  #seenBytes = 0;
  #triedBytes = 0;
  #found = false;
  #rest: Uint8Array = new Uint8Array(0);

  /** @throws SyntaxError for a pattern that is none: the configuration is checked for that. */
  constructor(pattern: string, limitBytes: number) {
    this.wanted = `/${quoteText(pattern).slice(1, -1)}/`;
    this.limitBytes = limitBytes;
    this.#expression = new RegExp(pattern, "m");
  }

  get found(): boolean {
    return this.#found;
  }

  get rest(): Uint8Array {
    return this.#rest;
  }

  get seenBytes(): number {
    return this.#seenBytes;
  }

  get head(): Uint8Array {
    return Buffer.concat(this.#pieces.slice(0, 64)).subarray(0, 64);
  }

  get exhausted(): boolean {
    return !this.#found && this.#seenBytes >= this.limitBytes;
  }

  push(given: Uint8Array): void {
    const bytes = given.subarray(0, Math.max(0, this.limitBytes - this.#seenBytes));
    this.#pieces.push(Uint8Array.from(bytes));
    this.#seenBytes += bytes.length;
    const grown = this.#seenBytes - this.#triedBytes;
    if (this.#seenBytes <= EAGER_BYTES || grown * 8 >= this.#seenBytes || this.exhausted) this.#try(given);
  }

  finish(): void {
    if (this.#seenBytes > this.#triedBytes) this.#try(new Uint8Array(0));
  }

  #try(last: Uint8Array): void {
    if (this.#found) return;
    this.#triedBytes = this.#seenBytes;
    const all = Buffer.concat(this.#pieces);
    const match = this.#expression.exec(all.toString("latin1"));
    if (match === null) return;
    this.#found = true;
    const end = match.index + match[0].length;
    const beyond = last.subarray(Math.min(last.length, this.limitBytes));
    this.#rest = beyond.length === 0 ? all.subarray(end) : Buffer.concat([all.subarray(end), beyond]);
  }
}

/** `0a 0B0c` as bytes. */
export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));
}

/** The matcher of a step that expects something; undefined for one that does not. */
export function matcherOf(step: ScriptStep): Matcher | undefined {
  const limitBytes = step.limitBytes ?? EXPECT_LIMIT_BYTES;
  switch (step.kind) {
    case "expect":
      return new BytesMatcher(step.value, quoteText(step.value), limitBytes);
    case "expect-bytes":
      return new BytesMatcher(bytesOfHex(step.value), `the bytes ${step.value}`, limitBytes);
    case "expect-regex":
      return new RegexMatcher(step.value, limitBytes);
    default:
      return undefined;
  }
}
