import { expect, test } from "bun:test";
import { slowStartWeight } from "../../../../src/balance/health/slow-start.ts";

test("slowStartWeight() gives the full weight to a server that was not away", () => {
  expect(slowStartWeight(100, undefined, 10_000, 5)).toEqual({ weight: 100 });
});

test("slowStartWeight() gives the full weight at once without slow start", () => {
  expect(slowStartWeight(100, 5, 0, 5)).toEqual({ weight: 100 });
});

test.each([
  [1_000, 9, 2_000],
  [1_999, 9, 2_000],
  [2_000, 18, 3_000],
  [6_000, 54, 7_000],
  [10_999, 90, 11_000],
])("slowStartWeight() at %d ms is %d until %d ms", (nowMs, weight, nextMs) => {
  expect(slowStartWeight(100, 1_000, 10_000, nowMs)).toEqual({ weight, nextMs });
});

test("slowStartWeight() ends as the full weight", () => {
  expect(slowStartWeight(100, 1_000, 10_000, 11_000)).toEqual({ weight: 100 });
});

test("slowStartWeight() leaves a drained server drained", () => {
  expect(slowStartWeight(0, 1_000, 10_000, 1_000)).toEqual({ weight: 0 });
});
