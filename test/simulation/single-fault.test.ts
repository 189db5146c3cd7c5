/** Each single fault, from several seeds: the costs stay within their bounds, and the pair comes to rest. */
import { describe, expect, test } from "bun:test";
import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import { FITNESS_FAULTS } from "./fitness-faults.ts";
import { runSingleFault } from "./run-single-fault.ts";
import { SINGLE_FAULTS } from "./single-faults.ts";

const SEEDS = [1, 2, 3, 4];
/** There are many of them, and each takes longer. */
const FITNESS_SEEDS = [1];

describe("a single fault", () => {
  for (const fault of [...SINGLE_FAULTS, ...FITNESS_FAULTS]) {
    test(`${fault.name}: costs no more than it may, and the pair comes to rest`, () => {
      const seeds = SINGLE_FAULTS.includes(fault) ? SEEDS : FITNESS_SEEDS;
      for (const seed of seeds) {
        const run = runSingleFault(fault, seed, { createState, step, nextDeadline });
        expect({ seed, problems: run.problems, log: run.problems.length === 0 ? [] : run.lines }).toEqual({
          seed,
          problems: [],
          log: [],
        });
      }
    });
  }
});
