import { describe, expect, test } from "bun:test";
import { NetlinkConnection, type NetlinkTransport } from "../../../../src/kernel/netlink/netlink-connection.ts";
import { TandemError } from "../../../../src/lib/errors.ts";
import { Writer } from "../../../../src/wire/bytes/bytes.ts";
import {
  beginMessage,
  endMessage,
  type NetlinkMessage,
  readMessages,
} from "../../../../src/wire/netlink/netlink-message.ts";
import { hex, toHex } from "../../../support/hex.ts";

const ACK = 0x4;
const DUMP = 0x300;
const DUMP_INTR = 0x10;
const ERROR = 2;
const DONE = 3;
const OVERRUN = 4;
const DATA = 0x20;

interface Answer {
  readonly type: number;
  readonly flags?: number;
  readonly sequence: number;
  readonly payload?: string;
}

/** One datagram of the kernel. */
function datagram(...answers: readonly Answer[]): Uint8Array {
  const writer = new Writer(65_536);
  for (const { type, flags, sequence, payload } of answers) {
    const start = beginMessage(writer, type, flags ?? 0, sequence);
    writer.bytes(hex(payload ?? ""));
    endMessage(writer, start);
  }
  return writer.written().slice();
}

/** An acknowledgement of a request, capped: an i32 errno and the header of the request. */
function acknowledgement(sequence: number, errno = 0): Answer {
  const error = toHex(new Uint8Array(new Int32Array([-errno]).buffer));
  return { type: ERROR, flags: 0x100, sequence, payload: `${error}10000000000000000000000000000000` };
}

/** A kernel whose answers to each datagram sent are given by a function, and which keeps what it was sent. */
class ScriptedKernel implements NetlinkTransport {
  readonly sent: NetlinkMessage[][] = [];
  readonly #answers: Uint8Array[] = [];
  readonly #answer: (messages: readonly NetlinkMessage[], turn: number) => readonly Uint8Array[];

  constructor(answer: (messages: readonly NetlinkMessage[], turn: number) => readonly Uint8Array[]) {
    this.#answer = answer;
  }

  send(bytes: Uint8Array): void {
    const messages = readMessages(bytes.slice());
    this.sent.push(messages);
    this.#answers.push(...this.#answer(messages, this.sent.length));
  }

  receive(): Uint8Array | undefined {
    return this.#answers.shift();
  }

  readonly lent = new Uint8Array(65_536);

  receiveLent(): number | undefined {
    const answer = this.#answers.shift();
    if (answer !== undefined) this.lent.set(answer);
    return answer?.length;
  }

  close(): void {}
}

const REQUEST = { type: DATA, write: () => {} };
const payloads = (messages: readonly NetlinkMessage[]) => messages.map((each) => toHex(each.payload));

describe("NetlinkConnection.request()", () => {
  test("gathers what belongs to it up to the acknowledgement, over several datagrams", () => {
    const kernel = new ScriptedKernel(([first]) => {
      const sequence = first?.sequence ?? 0;
      return [
        datagram({ type: DATA, sequence: sequence + 7, payload: "ff" }, acknowledgement(sequence - 1, 1)),
        datagram({ type: DATA, sequence, payload: "aa" }),
        datagram({ type: DATA, sequence, payload: "bb" }, acknowledgement(sequence)),
      ];
    });
    const reply = new NetlinkConnection(kernel).request(REQUEST);
    expect([payloads(reply.messages), reply.refusal]).toEqual([["aa", "bb"], undefined]);
    expect(kernel.sent.flat().map((each) => each.flags)).toEqual([0x1 | ACK]);
  });

  test("gives the kernel's refusal", () => {
    const kernel = new ScriptedKernel(([first]) => [datagram(acknowledgement(first?.sequence ?? 0, 17))]);
    expect(new NetlinkConnection(kernel).request(REQUEST).refusal).toEqual({ errno: 17 });
  });

  test.each([
    ["no answer", [], "it did not answer in time"],
    ["lost answers", [datagram({ type: OVERRUN, sequence: 0 })], "its answers were lost (ENOBUFS)"],
    ["bytes that are no message", [hex("ff")], "nlmsg_len: u32 needs 4 bytes, got 1"],
    [
      "half an acknowledgement",
      [datagram({ type: ERROR, sequence: 1, payload: "00" })],
      "error: i32 needs 4 bytes, got 1",
    ],
  ])("throws an error for people on %s", (_, answers, reason) => {
    const connection = new NetlinkConnection(new ScriptedKernel(() => answers));
    let thrown: unknown;
    try {
      connection.request(REQUEST);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TandemError);
    expect((thrown as TandemError).reason).toBe(reason);
  });
});

describe("NetlinkConnection.dump()", () => {
  test("ends at the end of the dump", () => {
    const kernel = new ScriptedKernel(([first]) => {
      const sequence = first?.sequence ?? 0;
      return [
        datagram({ type: DATA, sequence, payload: "aa" }, { type: DATA, sequence, payload: "bb" }),
        datagram({ type: DONE, sequence, payload: "00000000" }),
      ];
    });
    expect(payloads(new NetlinkConnection(kernel).dump(REQUEST).messages)).toEqual(["aa", "bb"]);
    expect(kernel.sent.flat().map((each) => each.flags)).toEqual([0x1 | DUMP]);
  });

  test("begins again when the table changed meanwhile, and forgets what it had", () => {
    const kernel = new ScriptedKernel(([first], turn) => {
      const sequence = first?.sequence ?? 0;
      const flags = turn < 3 ? DUMP_INTR : 0;
      return [
        datagram({ type: DATA, sequence, payload: `0${turn}` }, { type: DONE, flags, sequence, payload: "00000000" }),
      ];
    });
    expect(payloads(new NetlinkConnection(kernel).dump(REQUEST).messages)).toEqual(["03"]);
  });

  test("gives up on a table that always changes", () => {
    const kernel = new ScriptedKernel(([first]) => [
      datagram({ type: DONE, flags: DUMP_INTR, sequence: first?.sequence ?? 0, payload: "00000000" }),
    ]);
    expect(() => new NetlinkConnection(kernel).dump(REQUEST)).toThrow("it changed during each of 10 attempts");
    expect(kernel.sent).toHaveLength(10);
  });

  test.each([
    ["at once", (sequence: number) => acknowledgement(sequence, 95), 95],
    ["at its end", (sequence: number) => ({ type: DONE, sequence, payload: "ffffffff" }), 1],
  ])("gives a refusal that comes %s", (_, answer, errno) => {
    const kernel = new ScriptedKernel(([first]) => [datagram(answer(first?.sequence ?? 0))]);
    expect(new NetlinkConnection(kernel).dump(REQUEST).refusal).toEqual({ errno });
  });
});

describe("NetlinkConnection.batch()", () => {
  function batch(kernel: NetlinkTransport, count: number, payloadBytes = 4) {
    return new NetlinkConnection(kernel).batch(count, (writer, _, sequence) => {
      const start = beginMessage(writer, DATA, 0x401, sequence);
      writer.zeros(payloadBytes);
      endMessage(writer, start);
    });
  }

  /** Answers as Linux does: to messages that ask for it, and to each that it refuses. */
  function kernelRefusing(refused: ReadonlySet<number>): ScriptedKernel {
    let seen = 0;
    return new ScriptedKernel((messages) =>
      messages.flatMap(({ sequence, flags }) => {
        seen += 1;
        if (refused.has(seen - 1)) return [datagram(acknowledgement(sequence, 22))];
        return (flags & ACK) === 0 ? [] : [datagram(acknowledgement(sequence))];
      }),
    );
  }

  test("gives each message its own outcome, the last one's as well", () => {
    const outcomes = batch(kernelRefusing(new Set([0, 3, 4])), 5);
    expect(outcomes).toEqual([{ errno: 22 }, undefined, undefined, { errno: 22 }, { errno: 22 }]);
  });

  test("asks for one acknowledgement a datagram, and keeps the message's other flags", () => {
    const kernel = kernelRefusing(new Set());
    batch(kernel, 3);
    expect(kernel.sent.map((messages) => messages.map((each) => each.flags))).toEqual([[0x401, 0x401, 0x405]]);
  });

  test("sends at most 60,000 bytes and 1,000 messages a datagram, and maps the outcomes across them", () => {
    const long = kernelRefusing(new Set([29, 30, 59]));
    const outcomes = batch(long, 60, 1984);
    expect(long.sent.map((messages) => messages.length)).toEqual([30, 30]);
    expect(outcomes.flatMap((outcome, index) => (outcome === undefined ? [] : [index]))).toEqual([29, 30, 59]);
    const many = kernelRefusing(new Set());
    batch(many, 2_001);
    expect(many.sent.map((messages) => messages.length)).toEqual([1_000, 1_000, 1]);
  });

  test("does nothing for no messages", () => {
    const kernel = kernelRefusing(new Set());
    expect([batch(kernel, 0), kernel.sent]).toEqual([[], []]);
  });

  test("throws when the acknowledgement of the last one does not come", () => {
    expect(() => batch(new ScriptedKernel(() => []), 2)).toThrow("it did not answer in time");
  });
});
