import { expect, test } from "bun:test";
import { matrixDocument } from "../../matrix/document.ts";
import type { Fault } from "../../matrix/fault.ts";
import { failedRow, rowOf, worstRow } from "../../matrix/row.ts";
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

test("one owner, whichever, may be enough, and two at a stretch may be judged in place of two in all", () => {
  const fault: Fault = { ...FAULT, expected: { owner: "either", gapMs: 100, twoOwnersAtOnceMs: 20 } };
  const judged = (figures: Partial<Figures>) => rowOf(fault, "namespaces", seen({ ...GOOD, ...figures })).violations;
  expect([judged({ owners: ["lvs1"] }), judged({ owners: ["clone"] })]).toEqual([[], []]);
  expect(judged({ owners: ["lvs1", "lvs2"] })).toEqual(["the VIPs are with lvs1 and lvs2, not one router"]);
  // The longest stretch is half of all here.
  expect(judged({ twoOwnersMs: 60 })).toEqual([]);
  expect(judged({ twoOwnersMs: 64 })).toEqual(["two owners for 32.0 ms, over 30.0"]);
});

test("what did not come is a violation beside the figures", () => {
  const row = rowOf(FAULT, "namespaces", { ...seen(GOOD), problem: "lvs2 does not have the VIPs" });
  expect([row.violations, row.longestGapMs]).toEqual([["lvs2 does not have the VIPs"], 110]);
});

test("of several moments the row has the worst figures, and what is wrong with any of them", () => {
  const gap = rowOf(FAULT, "namespaces", seen({ ...GOOD, gapMs: 500 }));
  const two = rowOf(FAULT, "namespaces", seen({ ...GOOD, twoOwnersMs: 7, owners: ["lvs1", "lvs2"] }));
  expect(worstRow([gap, two])).toEqual({
    ...two,
    longestGapMs: 500,
    sent: 20,
    violations: [...gap.violations, ...two.violations],
  });
});

test("the document puts the figures of an earlier build beside those of this one", () => {
  const row = (figures: Partial<Figures>) => rowOf(FAULT, "namespaces", seen({ ...GOOD, ...figures }));
  const before = [{ ...row({ gapMs: 20_000, owners: [] }), software: "tandem 0.0.9" }];
  const document = matrixDocument([row({})], [FAULT], before);
  expect(document).toContain("tandem 0.0.9");
  expect(document).toContain("| a fault | **✗** 20000 ms | 0 | nobody | 110 ms | 0 | lvs2 |");
  expect(matrixDocument([row({})], [FAULT])).not.toContain("Before and now");
  const failed = matrixDocument([row({})], [FAULT], [failedRow(FAULT.name, "namespaces", "no such setting")]);
  expect(failed).toContain("| a fault | **✗** no figures | - | - | 110 ms | 0 | lvs2 |");
});
