/**
 * The simulator proves something only if it catches bugs: each mutant of the sources has to fail the run named. Its
 * checkers alone, which know nothing of the machine: what it checks by itself is left out.
 */
import { describe, expect, test } from "bun:test";
import { type Edit, MutantSources, problemsOf } from "./mutant-sources.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import type { Machine } from "./router-host.ts";

const SEEDS = Array.from({ length: 8 }, (_, seed) => seed);
const WITHOUT_INVARIANTS: Edit = ["failover.ts", "  checkInvariants(state, turn.state, input, nowMs);\n", ""];

function isCaught({ caughtBy, seeds = [] }: Mutant, machine: Machine): boolean {
  for (const problems of problemsOf(caughtBy, machine, [...seeds, ...SEEDS])) if (problems.length > 0) return true;
  return false;
}

describe("the simulator catches a program that", () => {
  for (const mutant of MUTANTS) {
    test(mutant.name, async () => {
      using sources = new MutantSources([WITHOUT_INVARIANTS, ...mutant.edits]);
      const machine = await sources.load();
      expect(isCaught(mutant, machine)).toBe(true);
    });
  }
});
