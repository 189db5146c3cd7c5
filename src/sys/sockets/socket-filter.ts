/**
 * Socket filters: the kernel drops what is of no interest, or would harm, before this process wakes up. A filter is a
 * list of clauses; a packet passes when all conditions of one clause hold. It is compiled to classic BPF
 * (linux/filter.h). Loading a field that lies beyond the end of a packet drops the packet.
 */
import { ptr } from "bun:ffi";
import { assert } from "../../lib/assert.ts";
import { SO_ATTACH_FILTER, SOL_SOCKET } from "../libc/constants.ts";
import type { Fd } from "../libc/fd.ts";
import { asU16, asU32 } from "../libc/integers.ts";
import { setSocketOption } from "./socket.ts";

/** The field of a packet that a condition is about. */
interface FilterField {
  /** Where it begins, in bytes from where the socket's packets begin; or the length of the packet. */
  readonly at: number | "length";
  /** How long it is; of no meaning for the length. */
  readonly bytes: 1 | 2 | 4;
}

/** One comparison of an unsigned field in network order, or of the packet's length. */
export type FilterCondition =
  | (FilterField & { readonly is: "equal" | "not-equal" | "at-least" | "at-most"; readonly value: number })
  /** Loads the field once for all values, which makes a program a tenth as long as a clause for each. */
  | (FilterField & { readonly is: "one-of"; readonly values: readonly number[] });

export type FilterClause = readonly FilterCondition[];

/** linux/filter.h, SKF_NET_OFF: offsets from here count from the IP header, wherever the socket's packets begin. */
export const IP_HEADER_OFFSET = -0x10_0000;

// linux/bpf_common.h
const LOAD_LENGTH = 0x80; // BPF_LD | BPF_W | BPF_LEN
const LOAD_FIELD = { 1: 0x30, 2: 0x28, 4: 0x20 } as const; // BPF_LD | BPF_B, BPF_H, BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_IF_GREATER = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const JUMP_IF_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** What a passing packet is cut to: longer than any. */
const PASS_BYTES = 0xffff_ffff;
const DROP = 0;

/** linux/bpf_common.h, BPF_MAXINSNS. */
export const FILTER_INSTRUCTIONS_MAX = 4096;
/** Jumps have 8 bits. */
const JUMP_MAX = 255;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/** How many instructions a condition takes. */
function conditionLength(condition: FilterCondition): number {
  return condition.is === "one-of" ? 1 + condition.values.length : 2;
}

/** The jumps of one condition; `fail` is how many instructions after them the next clause begins. */
function compileJumps(condition: FilterCondition, fail: number): Instruction[] {
  if (condition.is === "one-of") {
    const last = condition.values.length - 1;
    assert(last >= 0, "there is a value to compare with");
    return condition.values.map((value, index) => [
      JUMP_IF_EQUAL,
      last - index,
      index === last ? fail : 0,
      asU32(value, "a filter's value"),
    ]);
  }
  const value = asU32(condition.value, "a filter's value");
  switch (condition.is) {
    case "equal":
      return [[JUMP_IF_EQUAL, 0, fail, value]];
    case "not-equal":
      return [[JUMP_IF_EQUAL, fail, 0, value]];
    case "at-least":
      return [[JUMP_IF_AT_LEAST, 0, fail, value]];
    case "at-most":
      return [[JUMP_IF_GREATER, fail, 0, value]];
  }
}

function compileLoad(field: FilterField): Instruction {
  if (field.at === "length") return [LOAD_LENGTH, 0, 0, 0];
  return [LOAD_FIELD[field.bytes], 0, 0, offsetAsU32(field.at)];
}

/** Negative offsets have a meaning of their own in classic BPF, as 32-bit numbers. */
function offsetAsU32(offset: number): number {
  return asU32(offset < 0 ? offset + 0x1_0000_0000 : offset, "a filter's offset");
}

/**
 * Compiles clauses to the bytes of a `struct sock_filter[]`.
 * @throws RangeError when the program would be longer than the kernel takes.
 */
export function compileFilter(clauses: readonly FilterClause[]): Uint8Array {
  const program: Instruction[] = [];
  for (const clause of clauses) {
    // One more instruction returns when all conditions hold.
    let left = clause.reduce((length, condition) => length + conditionLength(condition), 1);
    if (left > JUMP_MAX) throw new RangeError(`a filter's clause of ${left} instructions is too long for its jumps`);
    for (const condition of clause) {
      left -= conditionLength(condition);
      program.push(compileLoad(condition), ...compileJumps(condition, left));
    }
    program.push([RETURN, 0, 0, PASS_BYTES]);
  }
  program.push([RETURN, 0, 0, DROP]);
  if (program.length > FILTER_INSTRUCTIONS_MAX) {
    throw new RangeError(`a filter of ${program.length} instructions is too long for the kernel`);
  }
  // struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; }
  const view = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [code, ifTrue, ifFalse, operand]] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, operand, true);
  }
  return new Uint8Array(view.buffer);
}

/** Conditions for a field of several 32-bit words (an IPv6 address), or one of 4 bytes. */
export function fieldEquals(at: number, value: Uint8Array): FilterCondition[] {
  assert(value.length % 4 === 0, "the field consists of 32-bit words");
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: value.length / 4 }, (_, index) => ({
    at: at + index * 4,
    bytes: 4,
    is: "equal",
    value: view.getUint32(index * 4),
  }));
}

/** Puts a filter on a socket. @throws SyscallError. */
export function attachFilter(fd: Fd, clauses: readonly FilterClause[]): void {
  const program = compileFilter(clauses);
  // struct sock_fprog { unsigned short length; struct sock_filter *filter; }
  const header = new DataView(new ArrayBuffer(16));
  header.setUint16(0, asU16(program.length / 8, "the filter's length"), true);
  header.setBigUint64(8, BigInt(ptr(program)), true);
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(header.buffer), "put a filter on a socket");
  // Its address is in the header, which the collector does not follow: it must live until here.
  assert(program.length > 0, "a filter has instructions");
}
