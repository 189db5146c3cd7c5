/** RFC 1035: a question as bytes, and an answer as values. Pure; what is malformed throws DecodeError and nothing else. */
import { DecodeError } from "../../lib/errors.ts";
import { addressFromBytes } from "../../model/address.ts";
import type { DnsRecord } from "../../model/health-check.ts";

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
/** RFC 1035 section 2.3.4: with a length byte for each label and the root's. */
const NAME_BYTES_MAX = 255;
/** A name goes back at most as often as it has labels; this many is more than any server writes. */
const POINTERS_MAX = 32;
/** A chain of aliases longer than this resolvers give up too (BIND's max-restarts is 11, unbound's limit is 11). */
const ALIASES_MAX = 16;

export interface DnsQuestion {
  readonly query: string;
  readonly record: DnsRecord;
  readonly identifier: number;
}

export interface DnsAnswer {
  /** 0 to 15: NOERROR, FORMERR, … */
  readonly code: number;
  /** Records were left out, since the answer would have been too long (TC). */
  readonly isTruncated: boolean;
  /** How many records the answer says it has. */
  readonly count: number;
}

/** What an answer says of the name that was asked for. */
export interface DnsAnswerRecords {
  /** The name at the end of the chain of aliases, plain; that asked for where it is no alias. */
  readonly owner: string;
  /** The records of the type that was asked for which that name has, as texts: `192.0.2.10`, `10 mail.example.com.`. */
  readonly texts: readonly string[];
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
    let [end, bytes, pointers]: [number | undefined, number, number] = [undefined, 1, 0];
    for (let begin = this.at; ; ) {
      const length = this.number(1);
      if (length >= 0xc0) {
        const target = ((length & 0x3f) << 8) | this.number(1);
        // RFC 1035 section 4.1.4: to a prior occurrence, so that no chain of pointers is a circle.
        pointers += 1;
        if (target >= begin || pointers > POINTERS_MAX) throw new DecodeError("name", "has no end");
        end ??= this.at;
        this.at = target;
        begin = target;
      } else if (length > 63) throw new DecodeError("name", "has a label of an unknown kind");
      else if (length === 0) {
        this.at = end ?? this.at;
        return `${labels.join(".")}.`;
      } else {
        bytes += 1 + length;
        if (bytes > NAME_BYTES_MAX) throw new DecodeError("name", "has no end");
        labels.push(this.take(length).toString("latin1"));
      }
    }
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
  const code = flags & 0xf;
  // A server that can't read a question, or does not want to, need not repeat it.
  const isOurs = questions === 1 ? repeatsQuestion(bytes, question) : questions === 0 && code !== 0;
  return isOurs ? { code, isTruncated: (flags & IS_TRUNCATED) !== 0, count } : undefined;
}

function repeatsQuestion(bytes: Uint8Array, { query, record }: DnsQuestion): boolean {
  const reader = new Reader(bytes, HEADER_BYTES);
  const isSame = plainName(reader.name()) === plainName(query);
  return isSame && reader.number(2) === RECORD_TYPES[record] && reader.number(2) === CLASS_INTERNET;
}

interface Found {
  readonly owner: string;
  readonly type: number;
  readonly text: string;
}

/** The next record; undefined for one that is neither of the type wanted nor an alias. */
function readRecord(reader: Reader, wanted: number): Found | undefined {
  const owner = plainName(reader.name());
  const [type, ofClass] = [reader.number(2), reader.number(2)];
  reader.take(4);
  const length = reader.number(2);
  const end = reader.at + length;
  const isOfUse = ofClass === CLASS_INTERNET && (type === wanted || type === RECORD_TYPES.CNAME);
  if (!isOfUse) {
    reader.take(length);
    return undefined;
  }
  const text = recordText(reader, type, length);
  if (reader.at !== end) throw new DecodeError("record", "is not as long as it says");
  return { owner, type, text };
}

/**
 * RFC 1034 section 3.6.2: the chain of aliases from the name asked for to its end, and the records there, whatever the
 * order that they come in. (RFC 2308 section 2.2: none there is the answer NODATA.)
 */
export function decodeRecords(bytes: Uint8Array, { query, record }: DnsQuestion): DnsAnswerRecords {
  const count = new Reader(bytes, 6).number(2);
  const reader = new Reader(bytes, HEADER_BYTES);
  // decodeAnswer() has seen to it that there is one question.
  reader.name();
  reader.take(4);
  const wanted = RECORD_TYPES[record];
  const texts = new Map<string, string[]>();
  const aliases = new Map<string, string>();
  for (let index = 0; index < count; index += 1) {
    const found = readRecord(reader, wanted);
    if (found === undefined) continue;
    if (found.type !== wanted) aliases.set(found.owner, plainName(found.text));
    else {
      const known = texts.get(found.owner);
      if (known === undefined) texts.set(found.owner, [found.text]);
      else known.push(found.text);
    }
  }
  let owner = plainName(query);
  for (let steps = 0; !texts.has(owner); steps += 1) {
    const next = aliases.get(owner);
    if (next === undefined) break;
    if (steps === ALIASES_MAX) throw new DecodeError("chain of aliases", "has no end");
    owner = next;
  }
  return { owner, texts: texts.get(owner) ?? [] };
}
