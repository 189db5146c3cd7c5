/** A pattern as a nondeterministic automaton: a list of instructions, and the classes of bytes that it tells apart. */
import { type ByteSet, isLineEnd, isWordByte, type PatternAssertion, type PatternNode } from "./pattern-syntax.ts";

export type Instruction =
  /** Takes a byte of the set and goes on with the next instruction. */
  | { readonly kind: "bytes"; readonly set: ByteSet }
  | { readonly kind: "assertion"; readonly assertion: PatternAssertion }
  /** Goes on at both. */
  | { readonly kind: "fork"; first: number; second: number }
  | { readonly kind: "match" };

export interface PatternProgram {
  readonly instructions: readonly Instruction[];
  /** The class of each byte: bytes of one class are the same to every instruction. */
  readonly classOfByte: Readonly<Uint8Array>;
  /** One byte of each class. */
  readonly bytesOfClasses: readonly number[];
}

/** The cost of one byte in the worst case; `{n,m}` multiplies what it repeats. */
const INSTRUCTIONS_MAX = 500;

class TooLong extends Error {}

class Compiler {
  readonly instructions: Instruction[] = [];

  emit(node: PatternNode): void {
    switch (node.kind) {
      case "bytes":
      case "assertion":
        this.#add(node);
        return;
      case "sequence":
        for (const part of node.parts) this.emit(part);
        return;
      case "choice":
        this.#choice(node.parts);
        return;
      case "repeat":
        this.#repeat(node.part, node.min, node.max);
    }
  }

  #add<T extends Instruction>(instruction: T): T {
    if (this.instructions.length >= INSTRUCTIONS_MAX) throw new TooLong();
    this.instructions.push(instruction);
    return instruction;
  }

  /** A fork whose first way is the next instruction; the second is set later. */
  #fork(): { kind: "fork"; first: number; second: number } {
    const next = this.instructions.length + 1;
    return this.#add({ kind: "fork", first: next, second: next });
  }

  #jump(target: number): { kind: "fork"; first: number; second: number } {
    return this.#add({ kind: "fork", first: target, second: target });
  }

  #choice(parts: readonly PatternNode[]): void {
    const ends: { first: number; second: number }[] = [];
    for (const [index, part] of parts.entries()) {
      const fork = index < parts.length - 1 ? this.#fork() : undefined;
      this.emit(part);
      if (fork === undefined) continue;
      ends.push(this.#jump(0));
      fork.second = this.instructions.length;
    }
    for (const end of ends) {
      end.first = this.instructions.length;
      end.second = this.instructions.length;
    }
  }

  #repeat(part: PatternNode, min: number, max: number | undefined): void {
    for (let turn = 0; turn < min; turn += 1) this.emit(part);
    if (max === undefined) {
      const start = this.instructions.length;
      const fork = this.#fork();
      this.emit(part);
      this.#jump(start);
      fork.second = this.instructions.length;
      return;
    }
    const forks: { second: number }[] = [];
    for (let turn = min; turn < max; turn += 1) {
      forks.push(this.#fork());
      this.emit(part);
    }
    for (const fork of forks) fork.second = this.instructions.length;
  }
}

/** Splits the classes that a set has a part of. */
function refine(classOfByte: Uint8Array, count: number, isIn: (byte: number) => boolean): number {
  const split = new Map<number, number>();
  let total = count;
  for (let byte = 0; byte < 256; byte += 1) {
    const key = (classOfByte[byte] ?? 0) * 2 + (isIn(byte) ? 1 : 0);
    if (split.has(key)) continue;
    // The first half to come keeps the number.
    const isFirst = !split.has(key ^ 1);
    split.set(key, isFirst ? key >> 1 : total);
    if (!isFirst) total += 1;
  }
  for (let byte = 0; byte < 256; byte += 1) {
    classOfByte[byte] = split.get((classOfByte[byte] ?? 0) * 2 + (isIn(byte) ? 1 : 0)) ?? 0;
  }
  return total;
}

/** Bytes that no instruction tells apart share a class. */
function classesOf(instructions: readonly Instruction[]): Pick<PatternProgram, "classOfByte" | "bytesOfClasses"> {
  const classOfByte = new Uint8Array(256);
  let count = refine(classOfByte, 1, isLineEnd);
  count = refine(classOfByte, count, isWordByte);
  for (const instruction of instructions) {
    if (instruction.kind === "bytes") count = refine(classOfByte, count, (byte) => instruction.set[byte] === 1);
  }
  return { classOfByte, bytesOfClasses: Array.from({ length: count }, (_none, index) => classOfByte.indexOf(index)) };
}

/** The program of a pattern; undefined when it would be too long. */
export function compileProgram(node: PatternNode): PatternProgram | undefined {
  const compiler = new Compiler();
  try {
    compiler.emit(node);
  } catch (error) {
    if (error instanceof TooLong) return undefined;
    throw error;
  }
  const instructions: Instruction[] = [...compiler.instructions, { kind: "match" }];
  return { instructions, ...classesOf(instructions) };
}
