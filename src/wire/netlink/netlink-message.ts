/**
 * Netlink messages: the header, several messages in one datagram, and what the kernel answers (linux/netlink.h).
 *
 * The header, 16 bytes, everything in the machine's byte order:
 *   0 u32 length of the whole message   4 u16 type   6 u16 flags   8 u32 sequence   12 u32 port id (0: the kernel)
 */
import { DecodeError } from "../../lib/errors.ts";
import { Reader, type Writer } from "../bytes/bytes.ts";
import { attributes, cstring, u32 } from "./netlink-attributes.ts";

export const NLM_F_REQUEST = 0x001;
export const NLM_F_ACK = 0x004;
export const NLM_F_DUMP_INTR = 0x010;
export const NLM_F_DUMP = 0x300;
/** Modifiers of requests that make something. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
/** Flags of an acknowledgement: the request was not sent back whole; attributes follow. */
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_OVERRUN = 4;

export const NETLINK_HEADER_BYTES = 16;
const FLAGS_OFFSET = 6;
const ALIGNMENT_BYTES = 4;

/** One message as it came. `payload` is a view of the datagram. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly payload: Uint8Array;
}

/** Begins a message; give the returned position to `endMessage` once the payload is written. */
export function beginMessage(writer: Writer, type: number, flags: number, sequence: number): number {
  const start = writer.position;
  writer.u32(0);
  writer.u16(type);
  writer.u16(flags);
  writer.u32(sequence);
  writer.u32(0);
  return start;
}

/** Puts the length of the message that began at `start` in its header and aligns the end for the next one. */
export function endMessage(writer: Writer, start: number): void {
  writer.patchU32(start, writer.position - start);
  writer.align(ALIGNMENT_BYTES);
}

/** Replaces the flags of a message that is written already. */
export function patchFlags(writer: Writer, start: number, flags: number): void {
  writer.patchU16(start + FLAGS_OFFSET, flags);
}

/**
 * The messages of one datagram.
 * @throws DecodeError when a header says more than the datagram holds: a short payload is never passed on.
 */
export function readMessages(datagram: Uint8Array): NetlinkMessage[] {
  const reader = new Reader(datagram);
  const messages: NetlinkMessage[] = [];
  while (reader.remaining > 0) {
    const length = reader.u32("nlmsg_len");
    const type = reader.u16("nlmsg_type");
    const flags = reader.u16("nlmsg_flags");
    const sequence = reader.u32("nlmsg_seq");
    const portId = reader.u32("nlmsg_pid");
    if (length < NETLINK_HEADER_BYTES) {
      throw new DecodeError("nlmsg_len", `a message cannot be ${length} bytes long`);
    }
    const payload = reader.bytes(length - NETLINK_HEADER_BYTES, "nlmsg_len");
    messages.push({ type, flags, sequence, portId, payload });
    // The last message may come without its padding.
    reader.skip(Math.min(-length & (ALIGNMENT_BYTES - 1), reader.remaining));
  }
  return messages;
}

/**
 * The messages of datagrams that come into one buffer, one after another and without an object for each: a dump of 40,000
 * real servers is read so. After `next()` the fields are those of a message; its payload is from `start` to `end` of
 * `view`.
 */
export class MessageCursor {
  readonly view: DataView;
  type = 0;
  flags = 0;
  sequence = 0;
  start = 0;
  end = 0;
  #next = 0;
  #limit = 0;

  constructor(buffer: Uint8Array) {
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  }

  /** Begins with the datagram of this length that is in the buffer now. */
  begin(length: number): void {
    this.#next = 0;
    this.#limit = Math.min(length, this.view.byteLength);
  }

  /** Goes to the next message; false after the last. @throws DecodeError as `readMessages` does. */
  next(): boolean {
    const { view } = this;
    const left = this.#limit - this.#next;
    if (left === 0) return false;
    if (left < NETLINK_HEADER_BYTES) throw new DecodeError("nlmsg_len", `a header needs 16 bytes, got ${left}`);
    const length = view.getUint32(this.#next, true);
    if (length < NETLINK_HEADER_BYTES || length > left) {
      throw new DecodeError("nlmsg_len", `a message cannot be ${length} bytes long where ${left} are left`);
    }
    this.type = view.getUint16(this.#next + 4, true);
    this.flags = view.getUint16(this.#next + FLAGS_OFFSET, true);
    this.sequence = view.getUint32(this.#next + 8, true);
    this.start = this.#next + NETLINK_HEADER_BYTES;
    this.end = this.#next + length;
    // The last message may come without its padding.
    this.#next = Math.min(this.end + (-length & (ALIGNMENT_BYTES - 1)), this.#limit);
    return true;
  }

  /** The message as an object, its payload a view of the datagram. */
  message(): NetlinkMessage {
    const { view, type, flags, sequence, start, end } = this;
    const portId = view.getUint32(start - 4, true);
    const payload = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
    return { type, flags, sequence, portId, payload };
  }
}

/** linux/netlink.h: enum nlmsgerr_attrs. */
const extendedAck = attributes("NLMSGERR_ATTR", {
  message: [1, cstring],
  offset: [2, u32],
  missingType: [5, u32],
});

/** What the kernel says to one request. */
export interface Acknowledgement {
  /** 0 is done; else as in errno.h, positive. */
  readonly errno: number;
  /** The kernel's own words, where it has some. */
  readonly kernelMessage?: string;
  /** Where in the request the attribute is that the kernel refuses, from the start of its header. */
  readonly offset?: number;
  /** The id of the attribute that the kernel misses. */
  readonly missingType?: number;
}

function acknowledgement(error: number, reader: Reader, hasAttributes: boolean): Acknowledgement {
  // -0 would not equal 0 where whole values are compared.
  const errno = error === 0 ? 0 : -error;
  if (errno < 0) throw new DecodeError("error", `${error} is not a negative errno`);
  if (!hasAttributes) return { errno };
  const { message, offset, missingType } = extendedAck.decode(reader);
  return {
    errno,
    ...(message === undefined ? {} : { kernelMessage: message }),
    ...(offset === undefined ? {} : { offset }),
    ...(missingType === undefined ? {} : { missingType }),
  };
}

/**
 * Reads a message of the type NLMSG_ERROR: struct nlmsgerr (i32 error, the header of the request), then the rest of the
 * request unless the flags say that it was capped, then attributes if the flags say so.
 */
export function readAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const reader = new Reader(message.payload);
  const error = reader.i32("error");
  const requestBytes = reader.u32("request.nlmsg_len");
  reader.skip(NETLINK_HEADER_BYTES - 4, "request");
  const isWhole = error !== 0 && (message.flags & NLM_F_CAPPED) === 0;
  if (isWhole) {
    const bodyBytes = requestBytes - NETLINK_HEADER_BYTES;
    if (bodyBytes < 0) throw new DecodeError("request.nlmsg_len", `a message cannot be ${requestBytes} bytes long`);
    reader.skip(bodyBytes, "request");
    reader.skip(Math.min(-bodyBytes & (ALIGNMENT_BYTES - 1), reader.remaining));
  }
  return acknowledgement(error, reader, (message.flags & NLM_F_ACK_TLVS) !== 0);
}

/** Reads a message of the type NLMSG_DONE, the end of a dump: an i32 error, absent in old kernels, and attributes. */
export function readDone(message: NetlinkMessage): Acknowledgement {
  if (message.payload.length === 0) return { errno: 0 };
  const reader = new Reader(message.payload);
  return acknowledgement(reader.i32("error"), reader, (message.flags & NLM_F_ACK_TLVS) !== 0);
}
