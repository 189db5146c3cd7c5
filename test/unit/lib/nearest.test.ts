import { expect, test } from "bun:test";
import { nearest } from "../../../src/lib/nearest.ts";

const NAMES = ["interval", "dead_after", "on_failure", "rr", "wrr", "port"] as const;

test.each([
  ["intervall", "interval"],
  ["intreval", "interval"],
  ["Interval", "interval"],
  ["dead-after", "dead_after"],
  ["deadafter", "dead_after"],
  ["onfailure", "on_failure"],
  ["wr", "rr"],
  ["prot", "port"],
  ["lease", undefined],
  ["x", undefined],
  ["", undefined],
  ["i".repeat(100_000), undefined],
] as const)("nearest() takes %p for %p", (word, expected) => {
  expect(nearest(word, NAMES)).toBe(expected as never);
});
