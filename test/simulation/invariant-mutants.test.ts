/** Each runtime invariant notices the bug that it is for: the machine throws in a run with that bug planted. */
import { describe, expect, test } from "bun:test";
import { INVARIANTS } from "../../src/failover/failover-invariants.ts";
import { INVARIANT_MUTANTS } from "./invariant-mutants.ts";
import { MutantSources, problemsOf } from "./mutant-sources.ts";

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);

describe("a machine with a bug ends by", () => {
  for (const { invariant, name, edits, run } of INVARIANT_MUTANTS) {
    test(`${invariant} where it ${name}`, async () => {
      using sources = new MutantSources(edits);
      const machine = await sources.load();
      const said = `internal assertion "${invariant}" failed`;
      let isNoticed = false;
      for (const problems of problemsOf(run, machine, SEEDS)) {
        isNoticed = problems.some((problem) => problem.includes(said));
        if (isNoticed) break;
      }
      expect(isNoticed).toBe(true);
    });
  }

  test("each of its invariants", () => {
    expect(INVARIANT_MUTANTS.map(({ invariant }) => invariant).toSorted()).toEqual(Object.keys(INVARIANTS).toSorted());
  });
});
