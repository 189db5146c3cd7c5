/** RFC 1035: one question over UDP, and whether the answer is one. */
import type { CheckMethod, DnsRecord } from "../model/check.ts";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "./dialogue.ts";
import { quoteBytes } from "./probe-text.ts";

export type DnsMethod = Extract<CheckMethod, { kind: "dns" }>;

const HEADER_BYTES = 12;
const RECORD_TYPES: Readonly<Record<DnsRecord, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
};
const CLASS_INTERNET = 1;
const RECURSION_DESIRED = 0x0100;
const IS_RESPONSE = 0x8000;
const RESPONSE_CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

function encodeName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  const parts = labels.flatMap((label) => {
    const bytes = Buffer.from(label, "latin1");
    return [Uint8Array.of(bytes.length), bytes];
  });
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}

/** A question as it is sent. */
export function encodeQuestion(query: string, record: DnsRecord, identifier: number): Uint8Array {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt16BE(identifier, 0);
  head.writeUInt16BE(RECURSION_DESIRED, 2);
  head.writeUInt16BE(1, 4);
  const type = Buffer.alloc(4);
  type.writeUInt16BE(RECORD_TYPES[record], 0);
  type.writeUInt16BE(CLASS_INTERNET, 2);
  return Buffer.concat([head, encodeName(query), type]);
}

class DnsDialogue implements Dialogue {
  readonly opening: Uint8Array;
  readonly #method: DnsMethod;
  readonly #identifier: number;
  #stray: Uint8Array | undefined;

  constructor(method: DnsMethod, identifier: number) {
    this.#method = method;
    this.#identifier = identifier;
    this.opening = encodeQuestion(method.query, method.record, identifier);
  }

  connected(): Step {
    return CONTINUE;
  }

  receive(datagram: Uint8Array): Step {
    const bytes = Buffer.from(datagram);
    const isOurs = bytes.length >= HEADER_BYTES && bytes.readUInt16BE(0) === this.#identifier;
    if (!isOurs || (bytes.readUInt16BE(2) & IS_RESPONSE) === 0) {
      // Late answers to an earlier question, or somebody's guesses: the right one may still come.
      this.#stray = datagram.slice(0, 64);
      return CONTINUE;
    }
    const code = bytes.readUInt16BE(2) & 0xf;
    const answers = bytes.readUInt16BE(6);
    const name = RESPONSE_CODES[code] ?? `response code ${code}`;
    const question = `${this.#method.record} of ${this.#method.query}`;
    if (code !== 0) return { kind: "failure", failure: "wrong-answer", detail: `${name} for ${question}` };
    return answers === 0
      ? { kind: "failure", failure: "wrong-answer", detail: `an answer without records for ${question}` }
      : { kind: "success", detail: `${answers} ${answers === 1 ? "record" : "records"} for ${question}` };
  }

  closed(): Judgement {
    return { kind: "failure", failure: "closed", detail: "the conversation ended without an answer" };
  }

  expired(): Judgement {
    if (this.#stray === undefined) return { kind: "failure", failure: "timeout", detail: "no answer in time" };
    const detail = `no answer to the question in time, but ${quoteBytes(this.#stray)}`;
    return { kind: "failure", failure: "wrong-answer", detail };
  }
}

/** @param identifier 16 bits, drawn anew for each question, which tell its answer from others */
export function dnsDialogue(method: DnsMethod, identifier: number): Dialogue {
  return new DnsDialogue(method, identifier);
}
