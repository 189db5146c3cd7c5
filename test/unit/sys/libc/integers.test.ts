import { expect, test } from "bun:test";
import { asI32, asU8, asU16, asU32 } from "../../../../src/sys/libc/integers.ts";

test.each([
  [asU8, 0, 0xff],
  [asU16, 0, 0xffff],
  [asU32, 0, 0xffff_ffff],
  [asI32, -0x8000_0000, 0x7fff_ffff],
])("%p() takes its whole range and nothing beyond", (check, minimum, maximum) => {
  expect([check(minimum, "x"), check(maximum, "x")]).toEqual([minimum, maximum]);
  for (const value of [minimum - 1, maximum + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    expect(() => check(value, "the port")).toThrow(
      new RangeError(`the port must be a whole number from ${minimum} to ${maximum}, not ${value}`),
    );
  }
});
