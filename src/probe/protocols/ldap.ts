/** RFC 4511 as far as a probe needs it: the answers to an anonymous bind and to StartTLS. Pure. */
import { DecodeError } from "../../lib/errors.ts";
import { EXPECT_LIMIT_BYTES } from "./matcher.ts";
import type { Reading, ReadPart } from "./reply.ts";

/** An anonymous bind, version 3, message 1; hexadecimal. */
export const LDAP_ANONYMOUS_BIND = "30 0c 02 01 01 60 07 02 01 03 04 00 80 00";
/** Unbind, message 2; the server closes. */
export const LDAP_UNBIND = "30 05 02 01 02 42 00";
/** Section 4.14: the extended request 1.3.6.1.4.1.1466.20037 (StartTLS), message 1. */
export const LDAP_START_TLS =
  "30 1d 02 01 01 77 18 80 16 31 2e 33 2e 36 2e 31 2e 34 2e 31 2e 31 34 36 36 2e 32 30 30 33 37";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const ENUMERATED = 0x0a;
/** [APPLICATION 1] and [APPLICATION 24], constructed. */
const BIND_RESPONSE = 0x61;
const EXTENDED_RESPONSE = 0x78;

const RESULT = { success: 0, busy: 51, unavailable: 52 } as const;

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

/**
 * RFC 4511 section 5.1: BER with lengths in the definite form only.
 * @returns undefined while it has not come whole
 * @throws DecodeError for what is none, or too long
 */
function readElement(bytes: Uint8Array, at: number): Element | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4) throw new DecodeError("length", "is of an unknown form");
  const begin = at + 2 + lengthBytes;
  if (begin > bytes.length) return undefined;
  const long = bytes.subarray(at + 2, begin).reduce((sum, byte) => sum * 256 + byte, 0);
  const length = lengthBytes === 0 ? first : long;
  if (length > EXPECT_LIMIT_BYTES) throw new DecodeError("length", "is too long");
  const end = begin + length;
  return end > bytes.length ? undefined : { tag, content: bytes.subarray(begin, end), end };
}

/** An element that must be there whole. */
function element(bytes: Uint8Array, at: number, tag?: number): Element {
  const found = readElement(bytes, at);
  if (found === undefined) throw new DecodeError("message", "ends too early");
  if (tag !== undefined && found.tag !== tag) throw new DecodeError("element", "is another one");
  return found;
}

function numberOf({ content }: Element): number {
  if (content.length === 0 || content.length > 4) throw new DecodeError("number", "has a length of its own");
  return content.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** A response as far as it decides. */
interface Response {
  readonly id: number;
  readonly operation: number;
  readonly result: number;
}

function responseOf(message: Element): Response {
  const id = element(message.content, 0, INTEGER);
  const operation = element(message.content, id.end);
  const result = element(operation.content, 0, ENUMERATED);
  return { id: numberOf(id), operation: operation.tag, result: numberOf(result) };
}

/** Reads the answer to message 1, which has this operation. */
function responses(operation: number, judge: (result: number) => Reading): ReadPart {
  const readingOf = (response: Response): Reading => {
    // Section 4.4: a notice from the server's own accord; that of a disconnection tells why.
    if (response.id === 0) return response.result === RESULT.success ? "more" : "refused";
    return response.id === 1 && response.operation === operation ? judge(response.result) : "refused";
  };
  return (bytes) => {
    const refused = { bytes: bytes.length, reading: "refused" } as const;
    if (bytes.length > 0 && bytes[0] !== SEQUENCE) return refused;
    try {
      const message = readElement(bytes, 0);
      return message === undefined ? undefined : { bytes: message.end, reading: readingOf(responseOf(message)) };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return refused;
    }
  };
}

/** The answer to an anonymous bind; a server that refuses that works all the same, unless it is busy or unavailable. */
export const ldapBindResponse: ReadPart = responses(BIND_RESPONSE, (result) =>
  result === RESULT.busy || result === RESULT.unavailable ? "refused" : "met",
);

/** The go-ahead for TLS. */
export const ldapStartTlsResponse: ReadPart = responses(EXTENDED_RESPONSE, (result) =>
  result === RESULT.success ? "met" : "refused",
);
