/**
 * RFC 2865 and RFC 5997: one request, and an answer that proves the secret that both share. A server that does not know
 * this address, or another secret, keeps silent.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "../transport/dialogue.ts";
import { quoteBytes } from "../transport/probe-text.ts";

const CODES: Readonly<Record<number, string>> = {
  2: "Access-Accept",
  3: "Access-Reject",
  5: "Accounting-Response",
  11: "Access-Challenge",
  // RFC 7930: the server could not read the request, or do what it wants.
  52: "Protocol-Error",
};
const ACCESS_REQUEST = 1;
const STATUS_SERVER = 12;
/** RFC 2865 section 4: what a server says to an Access-Request: accepted, rejected, challenged. */
const ANSWERS_TO_USER: readonly number[] = [2, 3, 11];
/** RFC 5997 section 3: to Status-Server, by the kind of port. */
const ANSWERS_TO_STATUS: readonly number[] = [2, 5];

const USER_NAME = 1;
const USER_PASSWORD = 2;
const SERVICE_TYPE = 6;
const NAS_IDENTIFIER = 32;
const MESSAGE_AUTHENTICATOR = 80;
/** RFC 2865 section 5.6. */
const AUTHENTICATE_ONLY = 8;

const HEADER_BYTES = 20;
/** RFC 2865 section 3. */
const MESSAGE_BYTES_MAX = 4096;
const DIGEST_BYTES = 16;
/** No password of anybody's: one block of the cipher. */
const PASSWORD = Buffer.alloc(DIGEST_BYTES, "tandem");

export interface RadiusRequest {
  readonly secret: Uint8Array;
  /** Absent: Status-Server. */
  readonly userName?: string;
  readonly identifier: number;
  /** 16 random bytes. */
  readonly authenticator: Uint8Array;
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(type, value.length + 2), value]);
}

/** RFC 2865 section 5.2, for a password of one block. */
function hidden(password: Uint8Array, { secret, authenticator }: RadiusRequest): Uint8Array {
  const mask = createHash("md5").update(secret).update(authenticator).digest();
  return password.map((byte, index) => byte ^ (mask[index] ?? 0));
}

function userAttributes(request: RadiusRequest): Uint8Array[] {
  if (request.userName === undefined) return [];
  return [
    attribute(USER_NAME, Buffer.from(request.userName)),
    attribute(USER_PASSWORD, hidden(PASSWORD, request)),
    attribute(SERVICE_TYPE, Uint8Array.of(0, 0, 0, AUTHENTICATE_ONLY)),
  ];
}

/** The request, with a Message-Authenticator: RFC 3579 section 3.2. */
export function encodeRadiusRequest(request: RadiusRequest): Uint8Array {
  const code = request.userName === undefined ? STATUS_SERVER : ACCESS_REQUEST;
  // First, as servers that know of forged answers (Blast-RADIUS) want it.
  const attributes = Buffer.concat([
    attribute(MESSAGE_AUTHENTICATOR, new Uint8Array(DIGEST_BYTES)),
    attribute(NAS_IDENTIFIER, Buffer.from("tandem")),
    ...userAttributes(request),
  ]);
  const head = Buffer.alloc(4);
  head.writeUInt8(code, 0);
  head.writeUInt8(request.identifier, 1);
  head.writeUInt16BE(HEADER_BYTES + attributes.length, 2);
  const message = Buffer.concat([head, request.authenticator, attributes]);
  message.set(createHmac("md5", request.secret).update(message).digest(), HEADER_BYTES + 2);
  return message;
}

/** Whether an answer was made by who knows the secret: RFC 2865 section 3, Response Authenticator. */
function isProven(message: Uint8Array, { secret, authenticator }: RadiusRequest): boolean {
  const digest = createHash("md5")
    .update(message.subarray(0, 4))
    .update(authenticator)
    .update(message.subarray(HEADER_BYTES))
    .update(secret)
    .digest();
  return timingSafeEqual(digest, message.subarray(4, HEADER_BYTES));
}

class RadiusDialogue implements Dialogue {
  readonly opening: Uint8Array;
  readonly #request: RadiusRequest;
  #stray: string | undefined;

  constructor(request: RadiusRequest) {
    this.#request = request;
    this.opening = encodeRadiusRequest(request);
  }

  connected(): Step {
    return CONTINUE;
  }

  receive(datagram: Uint8Array): Step {
    const length = ((datagram[2] ?? 0) << 8) | (datagram[3] ?? 0);
    const isWhole = length >= HEADER_BYTES && length <= Math.min(datagram.length, MESSAGE_BYTES_MAX);
    if (!isWhole || datagram[1] !== this.#request.identifier) return this.#unheard(quoteBytes(datagram));
    const message = datagram.subarray(0, length);
    if (!isProven(message, this.#request)) return this.#unheard("an answer made with another secret");
    const code = message[0] ?? 0;
    const name = CODES[code] ?? `code ${code}`;
    const good = this.#request.userName === undefined ? ANSWERS_TO_STATUS : ANSWERS_TO_USER;
    return good.includes(code)
      ? { kind: "success", detail: name }
      : { kind: "failure", failure: "wrong-answer", detail: `the server answers ${name}` };
  }

  closed(): Judgement {
    return { kind: "failure", failure: "closed", detail: "the conversation ended without an answer" };
  }

  expired(): Judgement {
    if (this.#stray !== undefined) {
      return { kind: "failure", failure: "wrong-answer", detail: `no proper answer in time, but ${this.#stray}` };
    }
    const detail = "no answer in time (so does a server that knows another secret, or not this client)";
    return { kind: "failure", failure: "timeout", detail };
  }

  /** Somebody's guess, perhaps: the right answer may still come. */
  #unheard(what: string): Step {
    this.#stray = what;
    return CONTINUE;
  }
}

/** Asks for the server's status, or whether a user may come in. */
export function radiusDialogue(request: RadiusRequest): Dialogue {
  return new RadiusDialogue(request);
}
