/** RFC 1035: a question as bytes, and an answer as values. Pure; what is malformed throws DecodeError and nothing else. */
import { DecodeError } from "../lib/errors.ts";
import { addressFromBytes } from "../model/address.ts";
import type { DnsRecord } from "../model/check.ts";

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
const IS_TRUNCATED = 0x0200;
/** A name has at most 255 bytes, and each label one more than its letters. */
const LABELS_MAX = 128;
/** A name goes back at most as often as it has labels; this many is more than any server writes. */
const POINTERS_MAX = 32;

export interface DnsQuestion {
  readonly query: string;
  readonly record: DnsRecord;
  readonly identifier: number;
}

export interface DnsAnswer {
  /** 0 to 15: NOERROR, FORMERR, … */
  readonly code: number;
  readonly isTruncated: boolean;
  /** How many records the answer says it has. */
  readonly count: number;
}

function encodeName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  const parts = labels.flatMap((label) => {
    const bytes = Buffer.from(label, "latin1");
    return [Uint8Array.of(bytes.length), bytes];
  });
  return Buffer.concat([...parts, Uint8Array.of(0)]);
}

/** A question as it is sent. */
export function encodeQuestion({ query, record, identifier }: DnsQuestion): Uint8Array {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt16BE(identifier, 0);
  head.writeUInt16BE(RECURSION_DESIRED, 2);
  head.writeUInt16BE(1, 4);
  const type = Buffer.alloc(4);
  type.writeUInt16BE(RECORD_TYPES[record], 0);
  type.writeUInt16BE(CLASS_INTERNET, 2);
  return Buffer.concat([head, encodeName(query), type]);
}

/** What is compared of names: without case, and without the last dot. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  number(bytes: 1 | 2 | 4): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  take(bytes: number): Buffer {
    if (this.at + bytes > this.#bytes.length) throw new DecodeError("answer", "ends too early");
    this.at += bytes;
    return this.#bytes.subarray(this.at - bytes, this.at);
  }

  /** A name, wherever its parts are; goes on behind it. */
  name(): string {
    const labels: string[] = [];
    let end: number | undefined;
    for (let pointers = 0; pointers < POINTERS_MAX; ) {
      const length = this.number(1);
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | this.number(1);
        end ??= this.at;
        this.at = target;
        pointers += 1;
      } else if (length === 0 || labels.length >= LABELS_MAX) {
        if (length !== 0) break;
        this.at = end ?? this.at;
        return `${labels.join(".")}.`;
      } else if (length > 63) throw new DecodeError("name", "has a label of an unknown kind");
      else labels.push(this.take(length).toString("latin1"));
    }
    throw new DecodeError("name", "has no end");
  }

  /** RFC 1035 section 3.3: character strings, one after the other. */
  texts(bytes: number): string {
    const end = this.at + bytes;
    let text = "";
    while (this.at < end) text += this.take(this.number(1)).toString("latin1");
    return text;
  }
}

/** A record's data as a zone's file writes it, without escapes. */
function recordText(reader: Reader, type: number, bytes: number): string {
  switch (type) {
    case RECORD_TYPES.A:
    case RECORD_TYPES.AAAA: {
      const data = reader.take(bytes);
      if (bytes !== (type === RECORD_TYPES.A ? 4 : 16)) throw new DecodeError("address", `has ${bytes} bytes`);
      return addressFromBytes(data).text;
    }
    case RECORD_TYPES.NS:
    case RECORD_TYPES.CNAME:
    case RECORD_TYPES.PTR:
      return reader.name();
    case RECORD_TYPES.MX:
      return `${reader.number(2)} ${reader.name()}`;
    case RECORD_TYPES.SRV:
      return `${reader.number(2)} ${reader.number(2)} ${reader.number(2)} ${reader.name()}`;
    case RECORD_TYPES.SOA: {
      const names = `${reader.name()} ${reader.name()}`;
      return `${names} ${Array.from({ length: 5 }, () => reader.number(4)).join(" ")}`;
    }
    default:
      return reader.texts(bytes);
  }
}

/** The head of an answer to this question; undefined for anything else: a late answer to another one, a guess. */
export function decodeAnswer(bytes: Uint8Array, question: DnsQuestion): DnsAnswer | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const reader = new Reader(bytes, 0);
  const [identifier, flags, questions, count] = [
    reader.number(2),
    reader.number(2),
    reader.number(2),
    reader.number(2),
  ];
  if (identifier !== question.identifier || (flags & IS_RESPONSE) === 0) return undefined;
  // A server that can't read a question need not repeat it.
  if (questions === 1 && !repeatsQuestion(bytes, question)) return undefined;
  return { code: flags & 0xf, isTruncated: (flags & IS_TRUNCATED) !== 0, count };
}

function repeatsQuestion(bytes: Uint8Array, { query, record }: DnsQuestion): boolean {
  const reader = new Reader(bytes, HEADER_BYTES);
  return plainName(reader.name()) === plainName(query) && reader.number(2) === RECORD_TYPES[record];
}

/** The records of the type that was asked for, as texts: `192.0.2.10`, `10 mail.example.com.`. */
export function decodeRecords(bytes: Uint8Array, record: DnsRecord): string[] {
  const head = new Reader(bytes, 4);
  const [questions, count] = [head.number(2), head.number(2)];
  const reader = new Reader(bytes, HEADER_BYTES);
  for (let index = 0; index < questions; index += 1) {
    reader.name();
    reader.take(4);
  }
  const texts: string[] = [];
  for (let index = 0; index < count; index += 1) {
    reader.name();
    const type = reader.number(2);
    reader.take(6);
    const length = reader.number(2);
    const end = reader.at + length;
    if (type === RECORD_TYPES[record]) texts.push(recordText(reader, type, length));
    reader.at = end;
  }
  return texts;
}
