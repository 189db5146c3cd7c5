/**
 * An exhaustive search through the real machine: every fault at every moment of a grid, up to a number of them. A moment that
 * was reached before, with as many faults to come or more, is not gone on from: the numbers of faults are gone through in
 * their order. A world cannot be copied, so that each branch plays its beginning again.
 */
import { STEP_MS } from "./digest.ts";
import { FAULTS } from "./faults.ts";
import { type Conditions, type Event, Run, type Start } from "./run.ts";

export interface Plan extends Conditions {
  readonly starts: readonly Start[];
  readonly faults: number;
  /** The next fault comes at most so many steps after the one before, or when all has come to rest. */
  readonly windowSteps: number;
  /** Hears of each as it is found. */
  readonly onFinding?: (finding: Finding) => void;
}

interface Trace {
  readonly start: Start;
  readonly events: readonly Event[];
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

/** A minute: everything has come to rest, or goes round in circles. */
const STEPS_MAX = 120;

export function traceText({ start, events }: Trace): string {
  return [
    start.name,
    ...events.map(({ afterSteps, fault }) => `+${(afterSteps * STEP_MS) / 1_000} s ${fault.name}`),
  ].join(", ");
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
    let level = this.#plan.starts.flatMap((start) => this.#follow({ start, events: [] }));
    for (let faults = 1; faults <= this.#plan.faults; faults += 1) {
      const next: Trace[] = [];
      for (const { start, events } of level) {
        for (const reached of this.#follow({ start, events })) next.push(reached);
      }
      level = next;
    }
    return this.found;
  }

  /** Plays a trace to where the search has been before, or where it rests. @returns the traces that begin on its way. */
  #follow(trace: Trace): readonly Trace[] {
    this.#runs += 1;
    const run = play(trace, this.#plan);
    const own = new Map<bigint, number>();
    const branches: Trace[] = [];
    let settled: readonly Trace[] = [];
    for (let steps = 0; steps < STEPS_MAX; steps += 1) {
      if (steps > 0) run.advance(1);
      this.#note(run);
      if (run.problems.length > 0) return this.#report(trace, run.problems);
      const digest = BigInt(Bun.hash(run.digest));
      const before = own.get(digest);
      if (before !== undefined) {
        const problems = restProblems(run, before);
        return problems.length > 0 ? this.#report(trace, problems) : [...branches, ...settled];
      }
      if (this.#seen.has(digest)) return branches;
      this.#seen.add(digest);
      own.set(digest, run.transitions);
      const isWithin = steps <= this.#plan.windowSteps;
      settled = isWithin ? [] : this.#branches(trace, run, steps);
      if (isWithin) branches.push(...this.#branches(trace, run, steps));
    }
    return this.#report(trace, ["it does not come to rest within a minute"]);
  }

  #branches(trace: Trace, { world }: Run, afterSteps: number): readonly Trace[] {
    const { start, events } = trace;
    if (events.length >= this.#plan.faults) return [];
    // Faults of one moment in one order only.
    const from = afterSteps === 0 ? FAULTS.findIndex(({ name }) => name === events.at(-1)?.fault.name) + 1 : 0;
    return FAULTS.slice(from)
      .filter((fault) => fault.isPossible(world))
      .map((fault) => ({ start, events: [...events, { afterSteps, fault }] }));
  }

  #note(run: Run): void {
    const { twoMs, noneMs } = run.longest;
    this.#longestTwoMs = Math.max(this.#longestTwoMs, twoMs);
    this.#longestNoneMs = Math.max(this.#longestNoneMs, noneMs);
  }

  #report(trace: Trace, problems: readonly string[]): readonly Trace[] {
    const finding = { ...trace, problems };
    this.#findings.push(finding);
    this.#plan.onFinding?.(finding);
    return [];
  }
}

/** A world in which all this has just happened. */
export function play({ start, events }: Trace, conditions: Conditions, onLine?: (line: string) => void): Run {
  const run = new Run(start, conditions, onLine);
  for (const { afterSteps, fault } of events) {
    run.advance(afterSteps);
    fault.apply(run.world);
  }
  return run;
}

const WATCHED_STEPS = 60;

/** It goes round in circles: nothing that is wrong may stay so, and no role may change. */
function restProblems(run: Run, transitionsBefore: number): readonly string[] {
  const isFlapping = run.transitions > transitionsBefore;
  if (!isFlapping && run.restProblems.length === 0) return [];
  // Two moments that look alike may differ in what was left out.
  const before = run.transitions;
  run.advance(WATCHED_STEPS);
  return [...run.problems, ...run.restProblems, ...(run.transitions > before + 2 ? ["roles change for ever"] : [])];
}
