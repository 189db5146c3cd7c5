import { Pattern, PatternSearch } from "../../lib/pattern/pattern.ts";
import type { ScriptStep } from "../../model/health-check.ts";
import { quotePattern, quoteText } from "../transport/probe-text.ts";
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
  /** An answer that came, and is not the one wanted: nothing better will follow. */
  readonly refusal?: Uint8Array | undefined;
  /** Such an answer came, and something else may be tried. */
  readonly isOtherwise?: boolean;
  push(bytes: Uint8Array): void;
  /** Nothing more comes, or what came is whole in itself: the last chance to match. */
  finish(): void;
}

/** How far into an answer the expected text is looked for: more than any greeting, less than a flood. */
export const EXPECT_LIMIT_BYTES = 64 * 1024;

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

/** Patterns that were compiled, with the states they have come to know; the configuration has some hundreds at most. */
const PATTERNS_MAX = 1_000;
const patterns = new Map<string, Pattern>();

function patternOf(text: string): Pattern {
  const known = patterns.get(text);
  if (known !== undefined) return known;
  const compiled = Pattern.compile(text);
  // The configuration takes no other; such a check fails.
  if (!compiled.ok) throw new SyntaxError(`the pattern ${quoteText(text)} is not one: ${compiled.problem}`);
  if (patterns.size >= PATTERNS_MAX) patterns.clear();
  patterns.set(text, compiled.value);
  return compiled.value;
}

/** A regular expression over bytes; `^` and `$` match at line ends too. Met at the first byte possible. */
export class RegexMatcher implements Matcher {
  readonly wanted: string;
  readonly limitBytes: number;
  readonly #search: PatternSearch;
  #seenBytes = 0;
  #head: Uint8Array = new Uint8Array(0);
  #rest: Uint8Array = new Uint8Array(0);

  /** @throws SyntaxError for a pattern that is none: the configuration is checked for that. */
  constructor(pattern: string, limitBytes: number) {
    this.wanted = quotePattern(pattern);
    this.limitBytes = limitBytes;
    this.#search = new PatternSearch(patternOf(pattern));
  }

  get found(): boolean {
    return this.#search.isMet;
  }

  get rest(): Uint8Array {
    return this.#rest;
  }

  get seenBytes(): number {
    return this.#seenBytes;
  }

  get head(): Uint8Array {
    return this.#head;
  }

  get exhausted(): boolean {
    return !this.found && this.#seenBytes >= this.limitBytes;
  }

  push(given: Uint8Array): void {
    const bytes = given.subarray(0, Math.max(0, this.limitBytes - this.#seenBytes));
    this.#seenBytes += bytes.length;
    // 64: a little more than a report quotes (probe-text.ts).
    if (this.#head.length < 64) this.#head = Buffer.concat([this.#head, bytes.subarray(0, 64 - this.#head.length)]);
    const taken = this.#search.push(bytes);
    if (this.found) this.#rest = given.subarray(taken);
  }

  finish(): void {
    this.#search.finish();
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
