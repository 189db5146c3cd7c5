/** Copies of the pure sources with deliberate bugs, and the runs that show what becomes of them. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Balancer } from "../../src/balance/balancer.ts";
import { runChaos, WEATHERS } from "./chaos.ts";
import { FITNESS_FAULTS } from "./fitness-faults.ts";
import type { Machine } from "./router-host.ts";
import { runSingleFault } from "./run-single-fault.ts";
import { SINGLE_FAULTS } from "./single-faults.ts";

const SOURCES = join(import.meta.dir, "../../src");

/** [name of a file of the machine, text, replacement]; the text must be there exactly once. */
export type Edit = readonly [file: string, text: string, replacement: string];

/** Where a file of that name is: no two files of src have one name. */
function placeOf(machine: string, name: string): string {
  const [place, ...others] = new Bun.Glob(`**/${name}`).scanSync({ cwd: join(SOURCES, machine) });
  if (place === undefined || others.length > 0) throw new RangeError(`${machine} has no file ${name}`);
  return place;
}

/** A copy of the pure sources with these edits, until it is disposed of. */
export class MutantSources {
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-mutant-"));

  /**
   * @param machine the folder that has the edits
   * @throws RangeError for a text that is not there once.
   */
  constructor(edits: readonly Edit[], machine: "failover" | "balance" = "failover") {
    for (const name of [machine, "wire", "model", "lib"]) {
      cpSync(join(SOURCES, name), join(this.#folder, name), { recursive: true });
    }
    for (const [file, text, replacement] of edits) {
      const path = join(this.#folder, machine, placeOf(machine, file));
      const before = readFileSync(path, "utf8");
      const times = before.split(text).length - 1;
      if (times !== 1) throw new RangeError(`${file} has this ${times} times, not once: ${text}`);
      writeFileSync(
        path,
        before.replace(text, () => replacement),
      );
    }
  }

  async load(): Promise<Machine> {
    return (await import(join(this.#folder, "failover/failover.ts"))) as Machine;
  }

  async loadBalancer(): Promise<typeof Balancer> {
    const { Balancer: Mutant } = (await import(join(this.#folder, "balance/balancer.ts"))) as {
      Balancer: typeof Balancer;
    };
    return Mutant;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What a run from each of the seeds has found, one after the other; `name` is a single fault's or a weather's. */
export function* problemsOf(name: string, machine: Machine, seeds: Iterable<number>): Generator<readonly string[]> {
  const fault = [...SINGLE_FAULTS, ...FITNESS_FAULTS].find((candidate) => candidate.name === name);
  const weather = WEATHERS.find((candidate) => candidate.name === name);
  for (const seed of seeds) {
    if (fault !== undefined) yield runSingleFault(fault, seed, machine).problems;
    else if (weather !== undefined) yield runChaos(weather, seed, machine).problems;
    else throw new RangeError(`no run is called ${name}`);
  }
}
