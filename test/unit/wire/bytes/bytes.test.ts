import { describe, expect, test } from "bun:test";
import { DecodeError } from "../../../../src/lib/errors.ts";
import { Reader, Writer } from "../../../../src/wire/bytes/bytes.ts";
import { hex, toHex } from "../../../support/hex.ts";

describe("Reader", () => {
  test("reads each width in the byte order of its name", () => {
    const reader = new Reader(hex("01 0203 0203 04050607 04050607 ffffffff 0102030405060708 0102030405060708"));
    const values = [
      ...[reader.u8(), reader.u16(), reader.be16(), reader.u32(), reader.be32(), reader.i32()],
      ...[reader.u64(), reader.be64()],
    ];
    expect(values).toEqual([
      ...[1, 0x0302, 0x0203, 0x07060504, 0x04050607, -1],
      ...[0x0807060504030201n, 0x0102030405060708n],
    ]);
    reader.finish();
  });

  test("reads a view at an offset of its buffer", () => {
    const reader = new Reader(hex("0000 0102").subarray(2));
    expect([reader.be16(), reader.remaining, reader.position]).toEqual([0x0102, 0, 2]);
  });

  test.each([
    ["u8", (reader: Reader) => reader.u8("x"), "x: u8 needs 1 bytes, got 0"],
    ["be16", (reader: Reader) => reader.be16(), "be16 needs 2 bytes, got 0"],
    ["bytes", (reader: Reader) => reader.bytes(3, "tail"), "tail: bytes needs 3 bytes, got 0"],
    ["enter", (reader: Reader) => reader.enter(1, "part"), "part: needs 1 bytes, got 0"],
  ])("%s past the end is a DecodeError that names the field", (_, read, message) => {
    expect(() => read(new Reader(new Uint8Array(0)))).toThrow(new DecodeError("", message).message);
  });

  test("enter() hides what is behind the part, leave() refuses what is left of it", () => {
    const reader = new Reader(hex("01 02 03"));
    const outer = reader.enter(2);
    expect(reader.u8()).toBe(1);
    expect(() => reader.be16()).toThrow("be16 needs 2 bytes, got 1");
    expect(() => reader.leave(outer, "part")).toThrow("part: 1 stray bytes at the end");
    reader.u8();
    reader.leave(outer);
    expect(reader.u8()).toBe(3);
  });
});

describe("Writer", () => {
  test("writes each width in the byte order of its name", () => {
    const writer = new Writer(64);
    writer.u8(1);
    writer.u16(0x0302);
    writer.be16(0x0203);
    writer.u32(0x07060504);
    writer.be32(0x04050607);
    writer.i32(-1);
    writer.u64(0x0807060504030201n);
    writer.be64(0x0102030405060708n);
    writer.bytes(hex("aabb"));
    writer.align(4);
    writer.zeros(1);
    expect(toHex(writer.written())).toBe(
      "01020302030405060704050607ffffffff01020304050607080102030405060708aabb0000".padEnd(74, "0"),
    );
  });

  test("zeros what an earlier message left in the buffer", () => {
    const writer = new Writer(4);
    writer.be32(0xffff_ffff);
    writer.reset();
    writer.u8(1);
    writer.align(4);
    expect(toHex(writer.written())).toBe("01000000");
  });

  test("patches only what is written", () => {
    const writer = new Writer(8);
    writer.u32(0);
    writer.patchU16(0, 0x0201);
    writer.patchBe16(2, 0x0304);
    expect(toHex(writer.written())).toBe("01020304");
    expect(() => writer.patchU16(3, 0)).toThrow(RangeError);
    expect(() => writer.patchU32(1, 0)).toThrow(RangeError);
  });

  test.each([
    ["u8", (writer: Writer) => writer.u8(256)],
    ["u8 of a fraction", (writer: Writer) => writer.u8(1.5)],
    ["u8 of NaN", (writer: Writer) => writer.u8(Number.NaN)],
    ["u16", (writer: Writer) => writer.u16(-1)],
    ["be16", (writer: Writer) => writer.be16(0x1_0000)],
    ["u32", (writer: Writer) => writer.u32(2 ** 32)],
    ["be32", (writer: Writer) => writer.be32(-1)],
    ["i32", (writer: Writer) => writer.i32(0x8000_0000)],
    ["u64", (writer: Writer) => writer.u64(1n << 64n)],
    ["be64", (writer: Writer) => writer.be64(-1n)],
    ["more bytes than the buffer has", (writer: Writer) => writer.bytes(new Uint8Array(9))],
    ["a reset forward", (writer: Writer) => writer.reset(1)],
  ])("refuses %s with a RangeError and writes nothing", (_, write) => {
    const writer = new Writer(8);
    expect(() => write(writer)).toThrow(RangeError);
    expect(writer.position).toBe(0);
  });
});
