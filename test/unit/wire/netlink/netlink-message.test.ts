import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { Writer } from "../../../../src/wire/bytes/bytes.ts";
import { familyAttributes, readGenericHeader, writeGenericHeader } from "../../../../src/wire/netlink/genetlink.ts";
import {
  beginMessage,
  endMessage,
  type NetlinkMessage,
  patchFlags,
  readAcknowledgement,
  readDone,
  readMessages,
} from "../../../../src/wire/netlink/netlink-message.ts";
import { hex, toHex } from "../../../support/hex.ts";

function message(type: number, flags: number, payload: string): NetlinkMessage {
  return { type, flags, sequence: 7, portId: 0, payload: hex(payload) };
}

describe("beginMessage() and endMessage()", () => {
  test("write messages one after another, each aligned and with its own length", () => {
    const writer = new Writer(64);
    const first = beginMessage(writer, 0x10, 0x1, 1);
    writer.u8(0xaa);
    endMessage(writer, first);
    const second = beginMessage(writer, 0x20, 0x1, 2);
    endMessage(writer, second);
    patchFlags(writer, second, 0x5);
    expect(toHex(writer.written())).toBe(
      "11000000 1000 0100 01000000 00000000 aa000000 10000000 2000 0500 02000000 00000000".replaceAll(" ", ""),
    );
  });

  test("write the same request for the IPVS family as ipvsadm", () => {
    const writer = new Writer(64);
    const start = beginMessage(writer, 0x10, 0x5, 1);
    writeGenericHeader(writer, 3, 1);
    familyAttributes.encode(writer, { name: "IPVS" });
    endMessage(writer, start);
    // The payload is from a trace of ipvsadm 1.31.
    expect(toHex(writer.written().subarray(16))).toBe("03010000090002004950565300000000");
    expect(toHex(writer.written().subarray(0, 16))).toBe("20000000100005000100000000000000");
  });
});

describe("readMessages()", () => {
  test("splits a datagram", () => {
    const datagram = hex("11000000 1000 0100 01000000 02000000 aa000000 10000000 0300 0200 01000000 00000000");
    expect(readMessages(datagram)).toEqual([
      { type: 0x10, flags: 1, sequence: 1, portId: 2, payload: hex("aa") },
      { type: 3, flags: 2, sequence: 1, portId: 0, payload: hex("") },
    ]);
  });

  test("takes a last message without its padding", () => {
    expect(readMessages(hex("11000000 1000 0100 01000000 00000000 aa"))).toHaveLength(1);
  });

  test.each([
    ["a length past the end", "15000000 1000 0100 01000000 00000000 aaaaaaaa"],
    ["a length below the header's", "0f000000 1000 0100 01000000 00000000"],
    ["a length of zero", "00000000 1000 0100 01000000 00000000"],
    ["half a header", "10000000 1000 0100"],
  ])("refuses %s", (_, text) => {
    expect(() => readMessages(hex(text))).toThrow(DecodeError);
  });
});

describe("readAcknowledgement()", () => {
  test.each([0x000, 0x100])("reads success, of which only the request's header comes back, flags %i", (flags) => {
    const payload = "00000000 28000000 1400 0500 07000000 00000000";
    expect(readAcknowledgement(message(2, flags, payload))).toEqual({ errno: 0 });
  });

  test("reads a refusal of Linux 6.18 with its words", () => {
    const payload = "9dffffff280000001500050007000000000000001c000100697076343a2041646472657373206e6f7420666f756e6400";
    expect(readAcknowledgement(message(2, 0x300, payload))).toEqual({
      errno: 99,
      kernelMessage: "ipv4: Address not found",
    });
  });

  test("reads a refusal that carries the whole request before its attributes", () => {
    const payload =
      "eaffffff 15000000 1400 0500 07000000 00000000 aabbccdd ee000000 0800 0200 14000000 0800 0500 03000000";
    expect(readAcknowledgement(message(2, 0x200, payload))).toEqual({ errno: 22, offset: 20, missingType: 3 });
  });

  test.each([
    ["half an error", "eaffff"],
    ["no request", "eaffffff"],
    ["a positive error", "01000000 10000000 1400 0500 07000000 00000000"],
    ["a request shorter than its header", "eaffffff 0f000000 1400 0500 07000000 00000000"],
    ["a request longer than the message", "eaffffff 20000000 1400 0500 07000000 00000000"],
  ])("refuses %s", (_, payload) => {
    expect(() => readAcknowledgement(message(2, 0, payload))).toThrow(DecodeError);
  });
});

describe("readDone()", () => {
  test.each([
    ["one of an old kernel, without an error", "", { errno: 0 }],
    ["success", "00000000", { errno: 0 }],
    ["a refusal", "ffffffff", { errno: 1 }],
  ])("reads %s", (_, payload, expected) => {
    expect(readDone(message(3, 2, payload))).toEqual(expected);
  });
});

describe("readGenericHeader()", () => {
  test("gives the command and a reader at the attributes", () => {
    const { command, attributes } = readGenericHeader(hex("01 02 0000 0600 0100 1800 0000"));
    expect([command, familyAttributes.decode(attributes)]).toEqual([1, { id: 0x18 }]);
  });

  test("refuses half a header", () => {
    expect(() => readGenericHeader(hex("01 02"))).toThrow(DecodeError);
  });
});
