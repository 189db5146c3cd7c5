import { describe, expect, test } from "bun:test";
import {
  compileFilter,
  type FilterClause,
  fieldEquals,
  IP_HEADER_OFFSET,
} from "../../../../src/sys/sockets/socket-filter.ts";

/** One line for each `struct sock_filter`: code, jump if true, jump if false, operand. */
function listing(clauses: readonly FilterClause[]): string[] {
  const bytes = compileFilter(clauses);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 8 }, (_, index) =>
    [
      view.getUint16(index * 8, true),
      bytes[index * 8 + 2] ?? 0,
      bytes[index * 8 + 3] ?? 0,
      view.getUint32(index * 8 + 4, true),
    ]
      .map((value) => value.toString(16))
      .join(" "),
  );
}

describe("compileFilter()", () => {
  test("drops everything without a clause, and passes everything with an empty one", () => {
    expect([listing([]), listing([[]])]).toEqual([["6 0 0 0"], ["6 0 0 ffffffff", "6 0 0 0"]]);
  });

  test("jumps to the next clause where a condition fails", () => {
    const clauses: FilterClause[] = [
      [
        { at: "length", bytes: 4, is: "at-least", value: 40 },
        { at: "length", bytes: 4, is: "at-most", value: 1460 },
        { at: 12, bytes: 2, is: "equal", value: 0x806 },
      ],
      [{ at: 23, bytes: 1, is: "not-equal", value: 17 }],
    ];
    expect(listing(clauses)).toEqual([
      "80 0 0 0",
      "35 0 5 28",
      "80 0 0 0",
      "25 3 0 5b4",
      "28 0 0 c",
      "15 0 1 806",
      "6 0 0 ffffffff",
      "30 0 0 17",
      "15 1 0 11",
      "6 0 0 ffffffff",
      "6 0 0 0",
    ]);
  });

  test("loads a field once for many values, and jumps over the rest of them when one fits", () => {
    const clauses: FilterClause[] = [
      [
        { at: 46, bytes: 4, is: "one-of", values: [7, 8, 9] },
        { at: 0, bytes: 1, is: "equal", value: 1 },
      ],
    ];
    expect(listing(clauses)).toEqual([
      "20 0 0 2e",
      "15 2 0 7",
      "15 1 0 8",
      "15 0 3 9",
      "30 0 0 0",
      "15 0 1 1",
      "6 0 0 ffffffff",
      "6 0 0 0",
    ]);
  });

  test("writes an offset from the IP header as the kernel's negative number", () => {
    const clause = fieldEquals(IP_HEADER_OFFSET + 8, Uint8Array.from([1, 2, 3, 4, 255, 0, 0, 1]));
    expect(listing([clause])).toEqual([
      "20 0 0 fff00008",
      "15 0 3 1020304",
      "20 0 0 fff0000c",
      "15 0 1 ff000001",
      "6 0 0 ffffffff",
      "6 0 0 0",
    ]);
  });

  test("refuses what the kernel would refuse", () => {
    const condition = { at: 0, bytes: 1, is: "equal", value: 1 } as const;
    expect(() => compileFilter([new Array(128).fill(condition)])).toThrow("of 257 instructions is too long");
    expect(() => compileFilter(new Array(1_500).fill([condition]))).toThrow("4501 instructions is too long");
    expect(() => compileFilter([[{ ...condition, value: 2 ** 32 }]])).toThrow(RangeError);
  });
});
