/**
 * grpc.health.v1.Health/Check over HTTP/2 with prior knowledge (RFC 9113). The verdict is the message in the DATA frame
 * alone, so the compressed header fields of the answer need not be read: an answer without a message is a refusal.
 */
import { ByteCollector } from "../transport/byte-collector.ts";
import { CONTINUE, type Dialogue, type Judgement, type Step } from "../transport/dialogue.ts";
import { quoteBytes } from "../transport/probe-text.ts";

/** What is read of an answer: settings, header fields and a message of two bytes. */
const ANSWER_LIMIT_BYTES = 64 * 1024;
const FRAME_HEADER_BYTES = 9;
/** SETTINGS_MAX_FRAME_SIZE that we have; a longer frame is against the protocol. */
const FRAME_BYTES_MAX = 16_384;
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7 } as const;
/** gRPC over HTTP/2: whether the message is compressed (1), its length (4). */
const PREFIX_BYTES = 5;
/** A health status has two bytes. */
const MESSAGE_BYTES_MAX = 1_024;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
const PADDED = 0x8;

const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 section 6.2.2: a field that is not to be indexed, with a new name; both below 127 bytes. */
function field(name: string, value: string): Uint8Array {
  const [key, text] = [Buffer.from(name, "latin1"), Buffer.from(value, "latin1")];
  return Buffer.concat([Uint8Array.of(0, key.length), key, Uint8Array.of(text.length), text]);
}

function request(service: string, authority: string, scheme: "http" | "https"): Uint8Array {
  const fields = Buffer.concat([
    field(":method", "POST"),
    field(":scheme", scheme),
    field(":path", "/grpc.health.v1.Health/Check"),
    field(":authority", authority),
    field("content-type", "application/grpc"),
    field("te", "trailers"),
    field("user-agent", "tandem"),
  ]);
  const name = Buffer.from(service, "utf8");
  // HealthCheckRequest { string service = 1; }
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Uint8Array.of(0x0a, name.length), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
    frame(FRAME.settings, 0, 0, new Uint8Array(0)),
    frame(FRAME.headers, END_HEADERS, 1, fields),
    frame(FRAME.data, END_STREAM, 1, Buffer.concat([prefix, message])),
  ]);
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

class GrpcDialogue implements Dialogue {
  readonly opening: Uint8Array;
  readonly #collected = new ByteCollector(ANSWER_LIMIT_BYTES);
  #seenBytes = 0;
  #head: Uint8Array = new Uint8Array(0);
  #isHttp2 = false;
  /** What has come of the message: DATA frames may end anywhere in it. */
  #message: Buffer = Buffer.alloc(0);

  constructor(opening: Uint8Array) {
    this.opening = opening;
  }

  connected(): Step {
    return CONTINUE;
  }

  receive(bytes: Uint8Array): Step {
    // 64: a little more than a report quotes (probe-text.ts).
    if (this.#head.length < 64) this.#head = Buffer.concat([this.#head, bytes.subarray(0, 64 - this.#head.length)]);
    this.#seenBytes += bytes.length;
    this.#collected.push(bytes);
    const toSend: Uint8Array[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next === "malformed") return this.#notHttp2();
      const step = this.#take(next);
      if (step.kind === "success" || step.kind === "failure") return step;
      if (step.kind === "send") toSend.push(step.bytes);
    }
    if (this.#seenBytes > ANSWER_LIMIT_BYTES) {
      return { kind: "failure", failure: "too-long", detail: "the answer goes on without a health status" };
    }
    return toSend.length === 0 ? CONTINUE : { kind: "send", bytes: Buffer.concat(toSend) };
  }

  closed(): Judgement {
    if (this.#seenBytes > 0 && !this.#isHttp2) return this.#notHttp2();
    return { kind: "failure", failure: "closed", detail: "the server closed without a health status" };
  }

  expired(): Judgement {
    return { kind: "failure", failure: "timeout", detail: "no health status in time" };
  }

  #notHttp2(): Judgement {
    return { kind: "failure", failure: "wrong-answer", detail: `the answer is not HTTP/2: ${quoteBytes(this.#head)}` };
  }

  #next(): Frame | "malformed" | undefined {
    const bytes = Buffer.from(this.#collected.bytes);
    if (bytes.length < FRAME_HEADER_BYTES) return undefined;
    const length = bytes.readUIntBE(0, 3);
    const type = bytes.readUInt8(3);
    if (length > FRAME_BYTES_MAX || (!this.#isHttp2 && type !== FRAME.settings)) return "malformed";
    this.#isHttp2 = true;
    if (bytes.length < FRAME_HEADER_BYTES + length) return undefined;
    this.#collected.drop(FRAME_HEADER_BYTES + length);
    return {
      type,
      flags: bytes.readUInt8(4),
      stream: bytes.readUInt32BE(5) & 0x7fff_ffff,
      payload: bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + length),
    };
  }

  #take({ type, flags, stream, payload }: Frame): Step {
    if (type === FRAME.settings && (flags & ACK) === 0) {
      return { kind: "send", bytes: frame(FRAME.settings, ACK, 0, new Uint8Array(0)) };
    }
    if (type === FRAME.ping && (flags & ACK) === 0) {
      return { kind: "send", bytes: frame(FRAME.ping, ACK, 0, payload) };
    }
    if (type === FRAME.goAway) return this.#goAway(payload);
    if (stream !== 1) return CONTINUE;
    if (type === FRAME.reset) return this.#refused("the server resets the request");
    if (type === FRAME.headers && (flags & END_STREAM) !== 0) {
      return this.#refused("the server refuses the request: it has no health service, or does not know this one");
    }
    if (type !== FRAME.data) return CONTINUE;
    return this.#takeData(flags, payload);
  }

  /** RFC 9113 section 6.8: a server that will take no more requests answers those that it has begun with. */
  #goAway(payload: Buffer): Step {
    const isGraceful =
      payload.length >= 8 && (payload.readUInt32BE(0) & 0x7fff_ffff) >= 1 && payload.readUInt32BE(4) === 0;
    return isGraceful ? CONTINUE : this.#refused("the server ends the connection");
  }

  #takeData(flags: number, payload: Buffer): Step {
    const isPadded = (flags & PADDED) !== 0;
    const data = isPadded ? payload.subarray(1, Math.max(1, payload.length - (payload[0] ?? 0))) : payload;
    this.#message = Buffer.concat([this.#message, data]);
    const { length } = this.#message;
    const isWhole = length >= PREFIX_BYTES && length >= PREFIX_BYTES + this.#message.readUInt32BE(1);
    if (isWhole || (flags & END_STREAM) !== 0 || length > MESSAGE_BYTES_MAX) return this.#judge(this.#message);
    return CONTINUE;
  }

  #refused(detail: string): Judgement {
    return { kind: "failure", failure: "wrong-answer", detail };
  }

  /** HealthCheckResponse { ServingStatus status = 1; }, uncompressed, after the message's prefix. */
  #judge(data: Buffer): Judgement {
    const length = data.length >= PREFIX_BYTES && data[0] === 0 ? data.readUInt32BE(1) : -1;
    const isStatus = length >= 2 && data.length >= PREFIX_BYTES + length && data[PREFIX_BYTES] === 0x08;
    // A field that has its default, UNKNOWN, is left out.
    const status = length === 0 ? 0 : isStatus ? data[PREFIX_BYTES + 1] : undefined;
    const name = status === undefined ? undefined : STATUSES[status];
    if (name === undefined) return this.#refused(`the answer is no health status: ${quoteBytes(data)}`);
    return name === "SERVING" ? { kind: "success", detail: "SERVING" } : this.#refused(`the server is ${name}`);
  }
}

/**
 * Asks for the health of `service`.
 * @param authority what the request calls the server: a name or an address with its port
 */
export function grpcDialogue(service: string, authority: string, secure: boolean): Dialogue {
  return new GrpcDialogue(request(service, authority, secure ? "https" : "http"));
}
