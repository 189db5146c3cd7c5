/** The same faults to the abstract routers and to the real ones: what becomes of both has to agree. */
import type { Random } from "../simulation/random.ts";
import { type Event, play } from "./machine/explore.ts";
import { FAULTS as REAL_FAULTS } from "./machine/faults.ts";
import type { Conditions, Run } from "./machine/run.ts";
import { STARTS } from "./machine/starts.ts";
import { FAULTS } from "./rules/faults.ts";
import { ORDERS, tick } from "./rules/pair.ts";
import type { Rules } from "./rules/rules.ts";
import { blankState, copyInto, ON, pack, pairAtRest, type State, WORDS } from "./rules/state.ts";

/** What the abstract model calls a fault, and what the real world does. */
const PAIRS: readonly (readonly [abstract: string, real: string])[] = [
  ["heartbeats both ways", "keys"],
  ["heartbeats from primary", "unheard primary"],
  ["heartbeats from backup", "unheard backup"],
  ["frames both ways", "cut"],
  ["frames from primary", "cut from primary"],
  ["frames from backup", "cut from backup"],
  ...(["primary", "backup"] as const).flatMap((router) => [
    [`every frame at ${router}`, `isolate ${router}`] as const,
    [`kill ${router}`, `kill ${router}`] as const,
    [`restart ${router}`, `start ${router}`] as const,
    [`hang ${router}`, `freeze ${router}`] as const,
    [`resume ${router}`, `thaw ${router}`] as const,
    [`power off ${router}`, `off ${router}`] as const,
    [`power on ${router}`, `on ${router}`] as const,
  ]),
];

/** A fault, and how many ticks after the one before. */
export interface Step {
  readonly afterTicks: number;
  readonly pair: (typeof PAIRS)[number];
}

const REST_TICKS = 40;
const LIMITS = { two: 250, none: 250 };

/** All states that the pair can be in: each order of acting is one way on. */
class Cloud {
  readonly #rules: Rules;
  #states = new Map<string, State>();

  constructor(start: State, rules: Rules) {
    this.#rules = rules;
    this.#add(start);
  }

  #add(state: State): void {
    const words = new Int32Array(WORDS);
    pack(state, words, 0);
    this.#states.set(words.join(), state);
  }

  get states(): readonly State[] {
    return [...this.#states.values()];
  }

  #become(next: readonly State[]): void {
    this.#states = new Map();
    for (const state of next) this.#add(state);
  }

  advance(ticks: number): void {
    for (let done = 0; done < ticks; done += 1) {
      const next = this.states.flatMap((state) =>
        ORDERS.map((order) => {
          const after = blankState();
          copyInto(after, state);
          tick(after, order, this.#rules, LIMITS);
          return after;
        }),
      );
      this.#become(next);
    }
  }

  /** @returns whether it could befall. */
  apply(name: string): boolean {
    const fault = FAULTS.find((candidate) => candidate.name === name);
    if (fault === undefined) throw new RangeError(`no fault is called ${name}`);
    const changed = this.states.filter((state) => fault.apply(state, this.#rules));
    if (changed.length > 0) this.#become(changed);
    return changed.length > 0;
  }
}

/** Who is active, and who has the VIPs. */
function abstractOutcome({ routers }: State): string {
  return routers.map(({ machine, isActive, vips }) => `${isActive}${machine === ON && vips > 0 ? "+" : "-"}`).join(" ");
}

function realOutcome({ world }: Run): string {
  return [world.hosts.primary, world.hosts.backup]
    .map(({ role, kernel }) => `${role === "active" ? 1 : 0}${kernel.addresses.length > 0 ? "+" : "-"}`)
    .join(" ");
}

export interface Comparison {
  readonly real: string;
  readonly abstract: readonly string[];
  readonly text: string;
}

/** A time that is cut into ticks may be one more or one less. */
function shifted(steps: readonly Step[]): readonly (readonly Step[])[] {
  return steps.reduce<readonly (readonly Step[])[]>(
    (all, step) =>
      all.flatMap((before) =>
        [0, 1, -1].map((by) => [...before, { ...step, afterTicks: Math.max(0, step.afterTicks + by) }]),
      ),
    [[]],
  );
}

function abstractOutcomes(place: 0 | 1, steps: readonly Step[], rules: Rules): readonly string[] {
  const cloud = new Cloud(pairAtRest(place, rules.lease.kernel), rules);
  for (const { afterTicks, pair } of steps) {
    cloud.advance(afterTicks);
    cloud.apply(pair[0]);
  }
  cloud.advance(REST_TICKS);
  return [...new Set(cloud.states.map(abstractOutcome))];
}

/** Some faults, drawn; each can befall where it does. */
export function drawSteps(random: Random, place: 0 | 1, count: number, rules: Rules): readonly Step[] {
  const cloud = new Cloud(pairAtRest(place, rules.lease.kernel), rules);
  const steps: Step[] = [];
  while (steps.length < count) {
    const pair = PAIRS[random.whole(0, PAIRS.length - 1)];
    const afterTicks = random.pick([1, 2, 3, 4, 6, 8, 12, 20]);
    if (pair === undefined || !cloud.apply(pair[0])) continue;
    cloud.advance(1);
    steps.push({ afterTicks, pair });
  }
  return steps;
}

export function compareOutcomes(
  place: 0 | 1,
  steps: readonly Step[],
  rules: Rules,
  conditions: Conditions,
): Comparison {
  const start = STARTS[place];
  if (start === undefined) throw new RangeError("no such start");
  const events = steps.map(({ afterTicks, pair }): Event => {
    const fault = REAL_FAULTS.find(({ name }) => name === pair[1]);
    if (fault === undefined) throw new RangeError(`no fault is called ${pair[1]}`);
    return { afterSteps: afterTicks, fault };
  });
  const run = play({ start, events }, conditions);
  run.advance(REST_TICKS);
  const real = realOutcome(run);
  const text = [start.name, ...steps.map(({ afterTicks, pair }) => `+${afterTicks} ${pair[1]}`)].join(", ");
  const plain = abstractOutcomes(place, steps, rules);
  if (plain.includes(real)) return { real, abstract: plain, text };
  const all = shifted(steps).flatMap((variant) => abstractOutcomes(place, variant, rules));
  return { real, abstract: [...new Set(all)], text };
}
