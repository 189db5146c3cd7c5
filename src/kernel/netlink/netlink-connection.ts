/**
 * Requests to the kernel over netlink and their answers, one after another: the kernel works on a request before
 * `send` returns, so its answers wait already. This layer states facts (errno, the kernel's words); the clients know
 * what was tried on what.
 */
import { assert } from "../../lib/assert.ts";
import { DecodeError, TandemError } from "../../lib/errors.ts";
import { NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE } from "../../sys/libc/constants.ts";
import { errnoName } from "../../sys/libc/errno.ts";
import { openNetlinkSocket } from "../../sys/sockets/netlink-socket.ts";
import { Writer } from "../../wire/bytes/bytes.ts";
import {
  type Acknowledgement,
  beginMessage,
  endMessage,
  MessageCursor,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_OVERRUN,
  patchFlags,
  readAcknowledgement,
  readDone,
  readMessages,
} from "../../wire/netlink/netlink-message.ts";

/** The socket below; tests put a kernel of their own here. */
export interface NetlinkTransport {
  send(datagram: Uint8Array): void;
  /** Undefined when nothing came in time. */
  receive(): Uint8Array | undefined;
  /** As `receive`, but puts the datagram into `lent`, over the one before, and gives its length. */
  receiveLent(): number | undefined;
  readonly lent: Uint8Array;
  close(): void;
}

/** One request: its type, the flags besides NLM_F_REQUEST, and what writes its payload. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags?: number;
  write(writer: Writer): void;
}

/** A refusal of the kernel: an acknowledgement whose errno is not 0. */
export type Refusal = Acknowledgement;

/** What came back: the kernel's messages and, where it refused, why. */
export interface NetlinkReply {
  readonly messages: readonly NetlinkMessage[];
  readonly refusal?: Refusal;
}

/**
 * A batch is sent in pieces of at most this length: about the 60 kB that were tried, well below the kernel's limit for
 * one datagram (SO_SNDBUF, 212,992 by default).
 */
const BATCH_BYTES_MAX = 60_000;
/** Each piece has at most so many messages: that many refusals of about 1 kB each fit in the receive buffer. */
const BATCH_MESSAGES_MAX = 1_000;
/** Room for the message that goes past the limit above; the longest of ours has some 300 bytes. */
const MESSAGE_BYTES_MAX = 4_096;
/** A table that changes while it is dumped is dumped again, this often. */
const DUMP_ATTEMPTS_MAX = 10;
/** A dump of more messages than this is not of any table that a router has (a full Internet table is 1,000,000). */
const DUMP_MESSAGES_MAX = 4_000_000;
/** Sequence numbers wrap here (u32). */
const SEQUENCE_MAX = 0xffff_ffff;
/** asm-generic/errno.h */
const ENOBUFS = 105;

const PROTOCOLS = { route: NETLINK_ROUTE, generic: NETLINK_GENERIC, netfilter: NETLINK_NETFILTER } as const;

export class NetlinkConnection {
  readonly #socket: NetlinkTransport;
  readonly #cursor: MessageCursor;
  readonly #writer = new Writer(BATCH_BYTES_MAX + MESSAGE_BYTES_MAX);
  #sequence = 0;

  /** Talks over `socket`, which it owns from now on. */
  constructor(socket: NetlinkTransport) {
    this.#socket = socket;
    this.#cursor = new MessageCursor(socket.lent);
  }

  /**
   * Opens a socket of its own. Use it from one place: it answers one request at a time.
   * @throws SyscallError when the kernel gives no socket.
   */
  static open(protocol: keyof typeof PROTOCOLS): NetlinkConnection {
    return new NetlinkConnection(openNetlinkSocket(PROTOCOLS[protocol]));
  }

  /**
   * Sends one request and waits for its acknowledgement.
   * @throws SyscallError when the socket fails, TandemError when the answer does not come or is not netlink.
   */
  request(request: NetlinkRequest): NetlinkReply {
    const sequence = this.#send(request, NLM_F_ACK);
    const messages: NetlinkMessage[] = [];
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_ERROR)
          return reply(
            messages,
            understood(() => readAcknowledgement(message)),
          );
        messages.push(message);
      }
    }
  }

  /**
   * Asks for a whole table, again when it changed meanwhile.
   * @throws SyscallError when the socket fails, TandemError when the answer does not come, is not netlink, or the table
   *   changes too fast to be read.
   */
  dump(request: NetlinkRequest): NetlinkReply {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS_MAX; attempt += 1) {
      const outcome = this.#dumpOnce(this.#send(request, NLM_F_DUMP));
      if (outcome !== "interrupted") return outcome;
    }
    throw changedTooFast();
  }

  /**
   * As `dump`, but hands each message over as it comes and keeps nothing: the payload is from `start` to `end` of `view`.
   * A DecodeError of `visit` becomes an error for people.
   * @param begin is called before the first message, also when the table changed meanwhile and is read again.
   * @returns the refusal, or undefined when the table was read.
   */
  dumpEach(
    request: NetlinkRequest,
    begin: () => void,
    visit: (view: DataView, start: number, end: number) => void,
  ): Refusal | undefined {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS_MAX; attempt += 1) {
      begin();
      const outcome = understood(() => this.#visitOnce(this.#send(request, NLM_F_DUMP), visit));
      if (outcome !== "interrupted") return outcome;
    }
    throw changedTooFast();
  }

  /**
   * Sends `count` messages in as few datagrams as possible. Only the last of each datagram asks for an acknowledgement:
   * the kernel works in order and reports refusals unasked, so what it does not mention is done when that one comes.
   * @param write writes the whole message `index` with that sequence number, by `beginMessage` and `endMessage`.
   * @returns for each message its refusal, or undefined when it was done.
   * @throws SyscallError when the socket fails, TandemError when an answer does not come; messages may be done then.
   */
  batch(count: number, write: (writer: Writer, index: number, sequence: number) => void): (Refusal | undefined)[] {
    const refusals = new Array<Refusal | undefined>(count).fill(undefined);
    let first = 0;
    while (first < count) first = this.#batchPiece(first, count, write, refusals);
    return refusals;
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Writes and sends one piece of a batch that begins with message `first`. @returns the first one of the next piece. */
  #batchPiece(
    first: number,
    count: number,
    write: (writer: Writer, index: number, sequence: number) => void,
    refusals: (Refusal | undefined)[],
  ): number {
    const writer = this.#writer;
    writer.reset();
    // So that the numbers of a piece follow each other.
    if (this.#sequence > SEQUENCE_MAX - BATCH_MESSAGES_MAX) this.#sequence = 0;
    const firstSequence = this.#sequence + 1;
    let index = first;
    let lastStart = 0;
    while (index < count && writer.position < BATCH_BYTES_MAX && index - first < BATCH_MESSAGES_MAX) {
      lastStart = writer.position;
      write(writer, index, firstSequence + index - first);
      index += 1;
    }
    patchFlags(writer, lastStart, messageFlags(writer.written(), lastStart) | NLM_F_ACK);
    this.#sequence = firstSequence + index - first - 1;
    this.#socket.send(writer.written());
    this.#collect(firstSequence, this.#sequence, (position, refusal) => {
      refusals[first + position] = refusal;
    });
    return index;
  }

  /** Takes the answers to a piece of a batch, up to the acknowledgement of its last message. */
  #collect(firstSequence: number, lastSequence: number, refuse: (position: number, refusal: Refusal) => void): void {
    for (;;) {
      for (const message of this.#receive()) {
        const { sequence } = message;
        if (message.type !== NLMSG_ERROR || sequence < firstSequence || sequence > lastSequence) continue;
        const answer = understood(() => readAcknowledgement(message));
        if (answer.errno !== 0) refuse(sequence - firstSequence, answer);
        if (sequence === lastSequence) return;
      }
    }
  }

  #send(request: NetlinkRequest, flags: number): number {
    this.#sequence = this.#sequence >= SEQUENCE_MAX ? 1 : this.#sequence + 1;
    const writer = this.#writer;
    writer.reset();
    const start = beginMessage(writer, request.type, NLM_F_REQUEST | flags | (request.flags ?? 0), this.#sequence);
    request.write(writer);
    endMessage(writer, start);
    this.#socket.send(writer.written());
    return this.#sequence;
  }

  #dumpOnce(sequence: number): NetlinkReply | "interrupted" {
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
        if (message.type === NLMSG_ERROR)
          return reply(
            messages,
            understood(() => readAcknowledgement(message)),
          );
        if (message.type === NLMSG_DONE) {
          if (interrupted) return "interrupted";
          return reply(
            messages,
            understood(() => readDone(message)),
          );
        }
        messages.push(message);
        assert(messages.length <= DUMP_MESSAGES_MAX, "a dump of the kernel ends");
      }
    }
  }

  #visitOnce(
    sequence: number,
    visit: (view: DataView, start: number, end: number) => void,
  ): Refusal | undefined | "interrupted" {
    const cursor = this.#cursor;
    let interrupted = false;
    let visited = 0;
    for (;;) {
      cursor.begin(this.#socket.receiveLent() ?? noAnswer());
      while (cursor.next()) {
        if (cursor.type === NLMSG_OVERRUN) throw lostAnswers();
        if (cursor.sequence !== sequence) continue;
        if ((cursor.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
        if (cursor.type === NLMSG_ERROR || cursor.type === NLMSG_DONE) {
          const read = cursor.type === NLMSG_ERROR ? readAcknowledgement : readDone;
          if (interrupted && cursor.type === NLMSG_DONE) return "interrupted";
          const answer = read(cursor.message());
          return answer.errno === 0 ? undefined : answer;
        }
        visit(cursor.view, cursor.start, cursor.end);
        visited += 1;
        assert(visited <= DUMP_MESSAGES_MAX, "a dump of the kernel ends");
      }
    }
  }

  #receive(): NetlinkMessage[] {
    const datagram = this.#socket.receive() ?? noAnswer();
    const messages = understood(() => readMessages(datagram));
    if (messages.some((message) => message.type === NLMSG_OVERRUN)) throw lostAnswers();
    return messages;
  }
}

function noAnswer(): never {
  throw new TandemError({ operation: "talk to the kernel over netlink", reason: "it did not answer in time" });
}

function changedTooFast(): TandemError {
  return new TandemError({
    operation: "read a table of the kernel",
    reason: `it changed during each of ${DUMP_ATTEMPTS_MAX} attempts`,
  });
}

function lostAnswers(): TandemError {
  return new TandemError({
    operation: "talk to the kernel over netlink",
    reason: `its answers were lost (${errnoName(ENOBUFS)})`,
  });
}

/** u16 at offset 6 of the header, linux/netlink.h. */
function messageFlags(written: Uint8Array, start: number): number {
  return (written[start + 6] ?? 0) | ((written[start + 7] ?? 0) << 8);
}

function reply(messages: readonly NetlinkMessage[], answer: Acknowledgement): NetlinkReply {
  return answer.errno === 0 ? { messages } : { messages, refusal: answer };
}

/**
 * What a decoder made of the kernel's bytes.
 * @throws TandemError where it threw a DecodeError, so that nothing but errors for people leaves this folder.
 */
export function understood<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new TandemError({
      operation: "understand the kernel's answer",
      reason: error.message,
      hint: "this kernel may be newer than this program; please report it",
      cause: error,
    });
  }
}
