/** Answers that are read part by part: lines of a text protocol, messages of a binary one. Pure. */
import type { ScriptStep } from "../../model/health-check.ts";
import { EXPECT_LIMIT_BYTES, type Matcher } from "./matcher.ts";

/**
 * What a part of an answer means to the one who waits: the answer goes on, it is the one wanted, it is a refusal, or it
 * is one after which something else is to be tried.
 */
export type Reading = "more" | "met" | "refused" | "instead";

export interface ReplyPart {
  /** How long it is. */
  readonly bytes: number;
  readonly reading: Reading;
}

/** Reads the first part of what came; undefined: it has not come whole. */
export type ReadPart = (bytes: Uint8Array) => ReplyPart | undefined;

/** A step that waits for an answer of a protocol, and knows a refusal when it comes. */
export interface ReplyStep {
  readonly kind: "reply";
  /** What is waited for, for the reason. */
  readonly shown: string;
  readonly read: ReadPart;
  /** What takes its place when the answer was that something else is to be tried. */
  readonly instead?: readonly DialogueStep[];
}

export type DialogueStep = ScriptStep | ReplyStep;

const LF = 0x0a;

/** Reads lines that end with CRLF, or with LF alone; they are judged without their ends. */
export function lines(judge: (line: string) => Reading): ReadPart {
  return (bytes) => {
    const end = bytes.indexOf(LF);
    if (end < 0) return undefined;
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("latin1");
    return { bytes: end + 1, reading: judge(line.endsWith("\r") ? line.slice(0, -1) : line) };
  };
}

/** Reads an answer part by part until one of them decides. */
export class ReplyMatcher implements Matcher {
  readonly wanted: string;
  readonly limitBytes = EXPECT_LIMIT_BYTES;
  readonly #read: ReadPart;
  #unread: Uint8Array = new Uint8Array(0);
  #reading: Reading = "more";
  #refusal: Uint8Array | undefined;
  #seenBytes = 0;
  #head: Uint8Array = new Uint8Array(0);

  constructor(wanted: string, read: ReadPart) {
    this.wanted = wanted;
    this.#read = read;
  }

  get found(): boolean {
    return this.#reading === "met";
  }

  get isOtherwise(): boolean {
    return this.#reading === "instead";
  }

  get refusal(): Uint8Array | undefined {
    return this.#refusal;
  }

  get rest(): Uint8Array {
    return this.#unread;
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
    this.#seenBytes += given.length;
    // 64: a little more than a report quotes (probe-text.ts).
    if (this.#head.length < 64) this.#head = Buffer.concat([this.#head, given.subarray(0, 64 - this.#head.length)]);
    this.#unread = Buffer.concat([this.#unread, given]);
    while (this.#reading === "more") {
      const part = this.#read(this.#unread);
      if (part === undefined) return;
      this.#reading = part.reading;
      if (part.reading === "refused") this.#refusal = this.#unread.subarray(0, part.bytes);
      this.#unread = this.#unread.subarray(part.bytes);
    }
  }

  finish(): void {
    // A part that has not come whole is none.
  }
}
