/** The simulator proves something only if it catches bugs: each mutant of the sources has to fail the run named. */
import { describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChaos, WEATHERS } from "./chaos.ts";
import { FITNESS_FAULTS } from "./fitness-faults.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import type { Machine } from "./router-host.ts";
import { runSingleFault } from "./run-single-fault.ts";
import { SINGLE_FAULTS } from "./single-faults.ts";

const SOURCES = join(import.meta.dir, "../../src");
const STORMS = 40;

/** A copy of the pure sources, with the mutant's edits. */
class MutantSources {
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-mutant-"));

  constructor(mutant: Mutant) {
    for (const name of ["failover", "wire", "model", "lib"]) {
      cpSync(join(SOURCES, name), join(this.#folder, name), { recursive: true });
    }
    for (const [file, text, replacement] of mutant.edits) {
      const path = join(this.#folder, "failover", file);
      const before = readFileSync(path, "utf8");
      expect({ file, text, times: before.split(text).length - 1 }).toEqual({ file, text, times: 1 });
      writeFileSync(
        path,
        before.replace(text, () => replacement),
      );
    }
  }

  async load(): Promise<Machine> {
    return (await import(join(this.#folder, "failover/failover.ts"))) as Machine;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function isCaught(mutant: Mutant, machine: Machine): boolean {
  const fault = [...SINGLE_FAULTS, ...FITNESS_FAULTS].find(({ name }) => name === mutant.caughtBy);
  if (fault !== undefined) return [1, 2, 3].some((seed) => runSingleFault(fault, seed, machine).problems.length > 0);
  const weather = WEATHERS.find(({ name }) => name === mutant.caughtBy);
  if (weather === undefined) throw new RangeError(`no run is called ${mutant.caughtBy}`);
  const seeds = Array.from({ length: STORMS }, (_, seed) => seed);
  return seeds.some((seed) => runChaos(weather, seed, machine).problems.length > 0);
}

describe("the simulator catches a program that", () => {
  for (const mutant of MUTANTS) {
    test(mutant.name, async () => {
      using sources = new MutantSources(mutant);
      const machine = await sources.load();
      expect(isCaught(mutant, machine)).toBe(true);
    });
  }
});
