/**
 * Regular expressions whose time is linear in what they are tried on, whatever that is. RegExp tries the ways that a
 * pattern may match one after the other, which can be as many as two to the number of letters: an answer made for
 * `(a|aa)*b` would stop the process for ever. Here all ways are followed at once (Thompson), and the sets of places that
 * come up are kept, so that most bytes cost one look into a table.
 */
import { type Parsed, parsed, problem } from "../parsed.ts";
import { compileProgram, type PatternProgram } from "./pattern-program.ts";
import { isLineEnd, isWordByte, type PatternAssertion, parsePatternSyntax } from "./pattern-syntax.ts";

/** States kept for one pattern; when there are more, they are found anew. */
const STATES_MAX = 500;
/** A pattern that filled them so often has too many to be worth keeping: each byte is then worked out by itself. */
const FILLED_MAX = 3;

/** What stands on one side of a place between two bytes; nothing counts as the end of a line. */
type Side = "line" | "word" | "other";

/** Where the automaton can be after some bytes. */
interface State {
  /** The instructions to go on with, before forks and assertions are followed. */
  readonly places: readonly number[];
  readonly before: Side;
  readonly isMet: boolean;
  /** The instructions there that take a byte; undefined where that depends on what follows. */
  readonly takers: readonly number[] | undefined;
  /** What comes after a byte of each class; `met`: the pattern was met before that byte (it wanted a line's end, say). */
  readonly next: (State | "met" | undefined)[];
}

function sideOf(byte: number): Side {
  if (isLineEnd(byte)) return "line";
  return isWordByte(byte) ? "word" : "other";
}

/** Whether an assertion holds; with nothing known of what follows, only what does not depend on it. */
function holds(assertion: PatternAssertion, before: Side, after: Side | undefined): boolean {
  if (assertion === "line-start") return before === "line";
  if (after === undefined) return false;
  if (assertion === "line-end") return after === "line";
  const isEdge = (before === "word") !== (after === "word");
  return isEdge === (assertion === "word-edge");
}

/** A pattern ready to be searched for; many searches may use it at once. */
export class Pattern {
  readonly text: string;
  readonly #program: PatternProgram;
  /** The turn in which an instruction was last come by; and the turn that it is now. */
  readonly #seen: Uint32Array;
  #turn = 0;
  #known = new Map<string, State>();
  #filled = 0;

  private constructor(text: string, program: PatternProgram) {
    this.text = text;
    this.#program = program;
    this.#seen = new Uint32Array(program.instructions.length);
  }

  static compile(text: string): Parsed<Pattern> {
    const syntax = parsePatternSyntax(text);
    if (!syntax.ok) return syntax;
    const program = compileProgram(syntax.value);
    if (program === undefined) return problem("it is too long when its repetitions are written out");
    return parsed(new Pattern(text, program));
  }

  /** The state before the first byte. */
  start(): State {
    return this.#stateOf([0], "line");
  }

  /** Whether it is met if nothing follows. */
  isMetAtEnd({ places, before }: State): boolean {
    return this.#follow(places, before, "line").isMet;
  }

  /** The state after one more byte; `met`: the pattern was met before that byte. */
  step(from: State, byte: number): State | "met" {
    const group = this.#program.classOfByte[byte] ?? 0;
    return from.next[group] ?? this.#explore(from, group);
  }

  #explore(from: State, group: number): State | "met" {
    const byte = this.#program.bytesOfClasses[group] ?? 0;
    const found = from.takers === undefined ? this.#follow(from.places, from.before, sideOf(byte)) : from;
    const next = found.isMet ? "met" : this.#after(found.takers ?? [], byte);
    if (this.#filled < FILLED_MAX) from.next[group] = next;
    return next;
  }

  #after(takers: readonly number[], byte: number): State {
    // Place 0 again: a match may begin behind each byte.
    const places = [0];
    for (const place of takers) {
      const instruction = this.#program.instructions[place];
      if (instruction?.kind === "bytes" && instruction.set[byte] === 1) places.push(place + 1);
    }
    return this.#stateOf(places, sideOf(byte));
  }

  /** Follows forks and assertions to the instructions that take a byte. */
  #follow(places: readonly number[], before: Side, after: Side | undefined) {
    const { instructions } = this.#program;
    const turn = this.#nextTurn();
    const takers: number[] = [];
    const waiting = [...places];
    let isMet = false;
    let isCertain = true;
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      const instruction = instructions[place];
      if (instruction === undefined || this.#seen[place] === turn) continue;
      this.#seen[place] = turn;
      if (instruction.kind === "match") isMet = true;
      else if (instruction.kind === "bytes") takers.push(place);
      else if (instruction.kind === "fork") waiting.push(instruction.first, instruction.second);
      else if (holds(instruction.assertion, before, after)) waiting.push(place + 1);
      else isCertain &&= instruction.assertion === "line-start";
    }
    return { isMet, takers, isCertain };
  }

  #nextTurn(): number {
    if (this.#turn === 0xffff_ffff) {
      this.#seen.fill(0);
      this.#turn = 0;
    }
    this.#turn += 1;
    return this.#turn;
  }

  #stateOf(places: number[], before: Side): State {
    const isKept = this.#filled < FILLED_MAX;
    const key = isKept ? `${before} ${places.sort((a, b) => a - b).join(" ")}` : "";
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= STATES_MAX) {
      this.#known = new Map();
      this.#filled += 1;
    }
    const { isMet, takers, isCertain } = this.#follow(places, before, undefined);
    const state = { places, before, isMet, takers: isCertain ? takers : undefined, next: [] };
    if (isKept) this.#known.set(key, state);
    return state;
  }
}

/** One search through bytes that come in pieces. It keeps none of them. */
export class PatternSearch {
  readonly #pattern: Pattern;
  #state: State;
  #isMet: boolean;

  constructor(pattern: Pattern) {
    this.#pattern = pattern;
    this.#state = pattern.start();
    this.#isMet = this.#state.isMet;
  }

  get isMet(): boolean {
    return this.#isMet;
  }

  /** Takes the next bytes up to the first place at which the pattern is met. @returns how many it took. */
  push(bytes: Uint8Array): number {
    for (let at = 0; at < bytes.length && !this.#isMet; at += 1) {
      const next = this.#pattern.step(this.#state, bytes[at] ?? 0);
      this.#isMet = next === "met" || next.isMet;
      if (next === "met") return at;
      this.#state = next;
      if (next.isMet) return at + 1;
    }
    return this.#isMet ? 0 : bytes.length;
  }

  /** Nothing more comes, or what came is whole in itself: `$` may hold at its end. */
  finish(): void {
    this.#isMet ||= this.#pattern.isMetAtEnd(this.#state);
  }
}
