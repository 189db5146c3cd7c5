/** One question, over UDP or a stream, and whether the answer is one, and the one that is expected. */
import { DecodeError } from "../../lib/errors.ts";
import { parseAddress } from "../../model/address.ts";
import type { CheckMethod } from "../../model/health-check.ts";
import { ByteCollector } from "../transport/byte-collector.ts";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "../transport/dialogue.ts";
import { quoteBytes, quoteText } from "../transport/probe-text.ts";
import {
  type DnsAnswer,
  type DnsQuestion,
  decodeAnswer,
  decodeRecords,
  encodeQuestion,
  plainName,
} from "./dns-message.ts";

export type DnsMethod = Extract<CheckMethod, { kind: "dns" }>;

const RESPONSE_CODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
/** RFC 1035 section 4.2.2: over a stream, a message comes after its length. */
const LENGTH_BYTES = 2;
const MESSAGE_BYTES_MAX = 0xffff;

/** Two ways to write one record: addresses in any form, names in any case and with or without the last dot. */
function comparable(text: string): string {
  const address = parseAddress(text);
  return address.ok ? address.value.text : plainName(text);
}

/** A foreign text within a reason. */
function shown(text: string): string {
  return quoteText(text).slice(1, -1);
}

function isStream({ transport }: DnsMethod): boolean {
  return transport === "tcp" || transport === "tls";
}

function wrong(detail: string): Judgement {
  return { kind: "failure", failure: "wrong-answer", detail };
}

/** Judges answers to one question. */
class AnswerJudge {
  readonly #method: DnsMethod;
  readonly #question: DnsQuestion;

  constructor(method: DnsMethod, question: DnsQuestion) {
    this.#method = method;
    this.#question = question;
  }

  /** Undefined for what is no answer to it. */
  judge(message: Uint8Array): Judgement | undefined {
    try {
      const answer = decodeAnswer(message, this.#question);
      return answer === undefined ? undefined : this.#judged(message, answer);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return wrong(`the answer is malformed (${error.message}): ${quoteBytes(message)}`);
    }
  }

  #judged(message: Uint8Array, { code, count, isTruncated }: DnsAnswer): Judgement {
    const { expectAnswers = [], record, query } = this.#method;
    const question = `${record} of ${query}`;
    if (code !== 0) return wrong(`${RESPONSE_CODES[code] ?? `response code ${code}`} for ${question}`);
    const { owner, texts } = decodeRecords(message, this.#question);
    const alias = owner === plainName(query) ? "" : `, an alias of ${shown(owner)}`;
    const known = new Set(texts.map(comparable));
    const missing = expectAnswers.find((text) => !known.has(comparable(text)));
    if (texts.length > 0 && missing === undefined) {
      const records = `${texts.length} ${texts.length === 1 ? "record" : "records"} for ${question}${alias}`;
      const found = expectAnswers.length === 0 ? "" : `${expectAnswers.join(" and ")} in `;
      return { kind: "success", detail: `${found}${records}` };
    }
    // What was left out may hold it. (RFC 2181 section 9: who needs it asks again over TCP.)
    if (isTruncated) return wrong(this.#cut(question));
    if (missing === undefined) {
      return wrong(`an answer without ${count === 0 ? "records" : "such a record"} for ${question}${alias}`);
    }
    const got = texts.length === 0 ? "no such record" : shown(texts.join(", "));
    return wrong(`expected ${missing} but got ${got} for ${question}${alias}`);
  }

  #cut(question: string): string {
    return isStream(this.#method)
      ? `the answer for ${question} was cut off (TC), although over a stream`
      : `the answer for ${question} is too long for UDP; check with transport = "tcp"`;
  }
}

class DatagramDialogue implements Dialogue {
  readonly opening: Uint8Array;
  readonly #judge: AnswerJudge;
  #stray: Uint8Array | undefined;

  constructor(method: DnsMethod, question: DnsQuestion) {
    this.#judge = new AnswerJudge(method, question);
    this.opening = encodeQuestion(question);
  }

  connected(): Step {
    return CONTINUE;
  }

  receive(datagram: Uint8Array): Step {
    const judgement = this.#judge.judge(datagram);
    // Late answers to an earlier question, or somebody's guesses: the right one may still come.
    if (judgement === undefined) this.#stray = datagram.slice(0, 64);
    return judgement ?? CONTINUE;
  }

  closed(): Judgement {
    return { kind: "failure", failure: "closed", detail: "the conversation ended without an answer" };
  }

  expired(): Judgement {
    if (this.#stray === undefined) return { kind: "failure", failure: "timeout", detail: "no answer in time" };
    return wrong(`no answer to the question in time, but ${quoteBytes(this.#stray)}`);
  }
}

class StreamDialogue implements Dialogue {
  readonly opening: Uint8Array;
  readonly #judge: AnswerJudge;
  readonly #collected = new ByteCollector(LENGTH_BYTES + MESSAGE_BYTES_MAX);

  constructor(method: DnsMethod, question: DnsQuestion) {
    this.#judge = new AnswerJudge(method, question);
    const message = encodeQuestion(question);
    this.opening = Buffer.concat([Uint8Array.of(message.length >> 8, message.length & 0xff), message]);
  }

  connected(): Step {
    return CONTINUE;
  }

  receive(given: Uint8Array): Step {
    this.#collected.push(given);
    const { bytes } = this.#collected;
    if (bytes.length < LENGTH_BYTES) return CONTINUE;
    const end = LENGTH_BYTES + (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));
    if (bytes.length < end) return CONTINUE;
    const message = bytes.subarray(LENGTH_BYTES, end);
    return this.#judge.judge(message) ?? wrong(`the server answered with something else: ${quoteBytes(message)}`);
  }

  closed(): Judgement {
    const seen = this.#collected.bytes.length;
    const detail = seen === 0 ? "the server closed without an answer" : "the server closed within its answer";
    return { kind: "failure", failure: "closed", detail };
  }

  expired(): Judgement {
    const { bytes } = this.#collected;
    const detail = bytes.length === 0 ? "no answer in time" : `the answer did not end in time: ${quoteBytes(bytes)}`;
    return { kind: "failure", failure: "timeout", detail };
  }
}

/** @param identifier 16 bits, drawn anew for each question, which tell its answer from others */
export function dnsDialogue(method: DnsMethod, identifier: number): Dialogue {
  const question = { query: method.query, record: method.record, identifier };
  return isStream(method) ? new StreamDialogue(method, question) : new DatagramDialogue(method, question);
}
