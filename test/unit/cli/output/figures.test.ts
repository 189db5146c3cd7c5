import { describe, expect, test } from "bun:test";
import { counted, formatBytes, formatCount } from "../../../../src/cli/output/figures.ts";

describe("formatCount()", () => {
  test.each([
    [0n, "0"],
    [99_999n, "99999"],
    [100_000n, "100k"],
    [4_560_000n, "4.5M"],
    [18_446_744_073_709_551_615n, "18446P"],
  ])("%p is %s", (value, text) => expect(formatCount(value)).toBe(text));
});

describe("formatBytes()", () => {
  test.each([
    [9_999n, "9999"],
    [10_240n, "10.0K"],
    [1_572_864n, "1.5M"],
  ])("%p is %s", (value, text) => expect(formatBytes(value)).toBe(text));
});

test("counted() makes a plural", () => {
  expect([counted(0, "VIP"), counted(1, "VIP"), counted(2, "VIP")]).toEqual(["0 VIPs", "1 VIP", "2 VIPs"]);
});
