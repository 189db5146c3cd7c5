import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { Reader, Writer } from "../../../../src/wire/bytes/bytes.ts";
import {
  type AttributeType,
  attributes,
  be16,
  be32,
  bytes,
  cstring,
  flag,
  flagsAndMask,
  i32,
  u8,
  u16,
  u32,
  u64,
} from "../../../../src/wire/netlink/netlink-attributes.ts";
import { hex, toHex } from "../../../support/hex.ts";

const inner = attributes("INNER", { port: [4, be16], name: [6, cstring] });
const outer = attributes("OUTER", {
  small: [1, u8],
  medium: [2, u16],
  large: [3, u32],
  network: [4, be32],
  signed: [5, i32],
  huge: [6, u64],
  raw: [7, bytes],
  there: [8, flag],
  bits: [9, flagsAndMask],
  service: [10, inner],
});

function encode<T>(type: AttributeType<T>, value: T): string {
  const writer = new Writer(256);
  type.encode(writer, value);
  return toHex(writer.written());
}

function decode<T>(type: AttributeType<T>, text: string): T {
  return type.decode(new Reader(hex(text)));
}

const EVERYTHING = {
  small: 1,
  medium: 2,
  large: 3,
  network: 4,
  signed: -5,
  huge: 6n,
  raw: hex("070707"),
  there: true as const,
  bits: { flags: 1, mask: 3 },
  service: { port: 80, name: "rr" },
};
const EVERYTHING_HEX = `
  0500 0100 01000000  0600 0200 02000000  0800 0300 03000000  0800 0400 00000004  0800 0500 fbffffff
  0c00 0600 0600000000000000  0700 0700 07070700  0400 0800  0c00 0900 01000000 03000000
  1400 0a80 0600 0400 00500000 0700 0600 72720000`.replaceAll(/\s/g, "");

describe("attributes()", () => {
  test("encodes each type, pads to four bytes and marks nests", () => {
    expect(encode(outer, EVERYTHING)).toBe(EVERYTHING_HEX);
  });

  test("decodes what it encodes", () => {
    expect(decode(outer, EVERYTHING_HEX)).toEqual(EVERYTHING);
  });

  test("leaves out what is undefined", () => {
    expect(encode(outer, { small: undefined, medium: 7 })).toBe("0600020007000000");
  });

  test("skips ids that it does not know, also in nests", () => {
    expect(decode(outer, "0600 ff00 aaaa0000 1800 0a80 0800 6300 ffffffff 0600 0400 00500000 0400 0c00")).toEqual({
      service: { port: 80 },
    });
  });

  test("masks the two flag bits from the type, not from the length", () => {
    expect(decode(outer, "0600 02c0 02000000")).toEqual({ medium: 2 });
  });

  test("takes a last attribute without its padding and the last of equal ones", () => {
    expect(decode(outer, "0500 0100 01000000 0500 0100 02")).toEqual({ small: 2 });
  });

  test("takes text with and without a zero byte at its end", () => {
    expect([decode(inner, "0600 0600 72720000"), decode(inner, "0900 0600 7272000000")]).toEqual([
      { name: "rr" },
      { name: "rr" },
    ]);
  });

  test.each([
    ["a short payload", "0a00 0a80 0500 0400 5000", "service.port: be16 needs 2 bytes, got 1"],
    ["a long payload", "0700 0200 020000 00", "medium: 1 stray bytes at the end"],
    ["a length past the end", "0900 0200 02000000", "medium: needs 5 bytes, got 4"],
    ["a length past the end of an unknown one", "0900 ff00 02000000", "OUTER 255: padding needs 5 bytes, got 4"],
    ["a nest past the end of its parent", "0800 0a80 0600 0400 00500000", "service.port: needs 2 bytes, got 0"],
    ["a length below the header's", "0300 0200", "medium: an attribute cannot be 3 bytes long"],
    ["a length of zero", "0000 0000", "OUTER 0: an attribute cannot be 0 bytes long"],
    ["stray bytes", "0500 0100 01000000 ffff", "2 stray bytes at the end"],
    ["text after its end", "0c00 0a80 0800 0600 72007200", "service.name: cstring has bytes after its end"],
    ["a flag with a payload", "0500 0800 01000000", "there: 1 stray bytes at the end"],
  ])("refuses %s", (_, text, message) => {
    let thrown: unknown;
    try {
      decode(outer, text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DecodeError);
    expect((thrown as DecodeError).message).toBe(message);
  });

  test.each([
    ["a number that does not fit", { small: 256 }],
    ["text with a zero byte", { service: { name: "a\0b" } }],
    ["a negative mask", { bits: { flags: 0, mask: -1 } }],
  ])("refuses to encode %s", (_, value) => {
    expect(() => encode(outer, value)).toThrow(RangeError);
  });
});
