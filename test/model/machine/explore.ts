/**
 * An exhaustive search through the real machine: every fault at moments of a grid, up to a number of them. A moment that was
 * reached before, with as many faults to come or more, is not gone on from: the numbers of faults are gone through in their
 * order.
 */
import { STEP_MS } from "./digest.ts";
import type { Fault } from "./faults.ts";
import { type Conditions, Run, type RunImage } from "./run.ts";
import type { Start } from "./starts.ts";

/** What happens, and how many steps of the grid after what happened before. */
export interface Event {
  readonly afterSteps: number;
  readonly fault: Fault;
}

export interface Trace {
  readonly start: Start;
  readonly events: readonly Event[];
}

export interface Plan extends Conditions {
  readonly starts: readonly Start[];
  readonly faults: readonly Fault[];
  /** How many of them befall at most. */
  readonly budget: number;
  /** So many steps after a fault the next one may come; besides when all has come to rest. */
  readonly gaps: readonly number[];
  /** Hears of each as it is found. */
  readonly onFinding?: (finding: Finding) => void;
  /** Hears when all runs with so many faults are done, and how many there are with one more. */
  readonly onLevel?: (faults: number, found: Found, next: number) => void;
}

export interface Finding extends Trace {
  readonly problems: readonly string[];
}

export interface Found {
  readonly findings: readonly Finding[];
  readonly runs: number;
  readonly moments: number;
  readonly longestTwoMs: number;
  readonly longestNoneMs: number;
}

/** A run to be made: from where some other one was, with the faults of that moment. */
interface Branch extends Trace {
  readonly image: RunImage;
  readonly faults: readonly Fault[];
}

/** A minute: everything has come to rest, or goes round in circles. */
const STEPS_MAX = 120;
const WATCHED_STEPS = 60;

export function traceText({ start, events }: Trace): string {
  const happened = events.map(({ afterSteps, fault }) => `+${(afterSteps * STEP_MS) / 1_000} s ${fault.name}`);
  return [start.name, ...happened].join(", ");
}

/** A run in which all this has just happened. */
export function play({ start, events }: Trace, conditions: Conditions, onLine?: (line: string) => void): Run {
  const run = new Run(start, conditions, onLine);
  for (const { afterSteps, fault } of events) {
    run.advance(afterSteps);
    run.apply(fault);
  }
  return run;
}

export class Search {
  readonly #plan: Plan;
  /** By their hashes: the texts of a long search would fill the memory. */
  readonly #seen = new Set<bigint>();
  readonly #findings: Finding[] = [];
  #runs = 0;
  #longestTwoMs = 0;
  #longestNoneMs = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  get found(): Found {
    return {
      findings: this.#findings,
      runs: this.#runs,
      moments: this.#seen.size,
      longestTwoMs: this.#longestTwoMs,
      longestNoneMs: this.#longestNoneMs,
    };
  }

  run(): Found {
    const { starts, budget, onLevel } = this.#plan;
    let level = starts.flatMap((start) => {
      const image = new Run(start, this.#plan).save();
      return this.#follow({ start, events: [], image, faults: [] });
    });
    for (let faults = 1; faults <= budget; faults += 1) {
      level = level.flatMap((branch) => this.#follow(branch));
      onLevel?.(faults, this.found, level.length);
    }
    return this.found;
  }

  /** Goes on to where the search has been before, or where it rests. @returns the branches on its way. */
  #follow(branch: Branch): readonly Branch[] {
    this.#runs += 1;
    const run = new Run(branch.image, this.#plan);
    for (const fault of branch.faults) run.apply(fault);
    const own = new Map<bigint, number>();
    const branches = this.#sameMoment(branch, run);
    for (let steps = 1; steps < STEPS_MAX; steps += 1) {
      run.advance(1);
      this.#note(run);
      if (run.problems.length > 0) return this.#report(branch, run.problems);
      const digest = BigInt(Bun.hash(run.digest));
      const before = own.get(digest);
      if (before !== undefined) {
        const problems = restProblems(run, before);
        if (problems.length > 0) return this.#report(branch, problems);
        return [...branches, ...this.#branches(branch, run, steps)];
      }
      if (this.#seen.has(digest)) return branches;
      this.#seen.add(digest);
      own.set(digest, run.changes);
      if (this.#plan.gaps.includes(steps)) branches.push(...this.#branches(branch, run, steps));
    }
    return this.#report(branch, ["it does not come to rest within a minute"]);
  }

  /** Further faults of the same moment, in one order only. */
  #sameMoment(branch: Branch, { world }: Run): Branch[] {
    const { start, events, image, faults } = branch;
    const last = faults.at(-1);
    const isWanted = last === undefined || this.#plan.gaps.includes(0);
    if (!isWanted || events.length >= this.#plan.budget) return [];
    const from = last === undefined ? 0 : this.#plan.faults.indexOf(last) + 1;
    return this.#plan.faults
      .slice(from)
      .filter((fault) => fault.isPossible(world))
      .map((fault) => ({ start, events: [...events, { afterSteps: 0, fault }], image, faults: [...faults, fault] }));
  }

  #branches({ start, events }: Branch, run: Run, afterSteps: number): readonly Branch[] {
    if (events.length >= this.#plan.budget) return [];
    const image = run.save();
    return this.#plan.faults
      .filter((fault) => fault.isPossible(run.world))
      .map((fault) => ({ start, events: [...events, { afterSteps, fault }], image, faults: [fault] }));
  }

  #note(run: Run): void {
    const { twoMs, noneMs } = run.longest;
    this.#longestTwoMs = Math.max(this.#longestTwoMs, twoMs);
    this.#longestNoneMs = Math.max(this.#longestNoneMs, noneMs);
  }

  #report({ start, events }: Trace, problems: readonly string[]): readonly Branch[] {
    const finding = { start, events, problems };
    this.#findings.push(finding);
    this.#plan.onFinding?.(finding);
    return [];
  }
}

/** It goes round in circles: nothing that is wrong may stay so, and no role may change. */
function restProblems(run: Run, changesBefore: number): readonly string[] {
  const isChanging = run.changes > changesBefore;
  if (!isChanging && run.restProblems.length === 0) return [];
  // Two moments that look alike may differ in what was left out.
  const before = run.changes;
  run.advance(WATCHED_STEPS);
  const isStillChanging = run.changes > before + 2;
  return [...run.problems, ...run.restProblems, ...(isStillChanging ? ["roles change for ever"] : [])];
}
