import { expect, test } from "bun:test";
import type { Fault } from "../../matrix/fault.ts";
import { rowOf } from "../../matrix/row.ts";
import type { Seen } from "../../matrix/stage.ts";

const FAULT: Fault = {
  name: "a fault",
  expected: { owner: "lvs2", gapMs: 100 },
  act: async () => {},
};

interface Figures {
  readonly gapMs: number;
  readonly twoOwnersMs: number;
  readonly connectionsLost: number;
  readonly owners: Seen["owners"];
}

function seen({ gapMs, twoOwnersMs, connectionsLost, owners }: Figures): Seen {
  return {
    watched: {
      gap: { sent: 10, lost: 0, longestGapMs: gapMs, longestGapAtMs: 0, longestPauseMs: 5 },
      owners: {
        twoOwnersMs: { vip: twoOwnersMs },
        longestTwoOwnersMs: { vip: twoOwnersMs / 2 },
        noOwnerMs: { vip: 0 },
        samples: 10,
        longestPauseMs: 5,
        changes: {},
      },
    },
    connections: { opened: 50, lost: connectionsLost },
    transition: undefined,
    owners,
  };
}

const GOOD: Figures = { gapMs: 110, twoOwnersMs: 0, connectionsLost: 0, owners: ["lvs2"] };

test("a row of the fault matrix is judged by owner, gap, two owners and connections", () => {
  const judged = (fault: Fault, figures: Partial<Figures>) =>
    rowOf(fault, "namespaces", seen({ ...GOOD, ...figures })).violations;
  expect(judged(FAULT, {})).toEqual([]);
  expect(judged(FAULT, { gapMs: 111 })).toEqual(["a gap of 111 ms, over 110"]);
  expect(judged(FAULT, { twoOwnersMs: 0.1 })).toEqual(["two owners for 0.1 ms, over 0.0"]);
  expect(judged(FAULT, { connectionsLost: 1 })).toEqual(["1 connections lost, over 0"]);
  expect(judged(FAULT, { owners: [] })).toEqual(["the VIPs are with nobody, not lvs2"]);
  const agreed: Fault = { ...FAULT, expected: { ...FAULT.expected, twoOwnersMs: 20 } };
  expect([judged(agreed, { twoOwnersMs: 30 }), judged(agreed, { twoOwnersMs: 31 })]).toEqual([
    [],
    ["two owners for 31.0 ms, over 30.0"],
  ]);
});
