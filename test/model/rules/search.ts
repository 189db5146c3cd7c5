/**
 * Every run of two abstract routers with up to a number of faults, each at any tick: breadth first, so that the first run
 * found is a shortest one. Without faults a state has one successor in each order of acting, so that what goes on for ever is
 * a circle of states.
 */
import type { Fault } from "./faults.ts";
import { type Limits, ORDERS, tick } from "./pair.ts";
import type { Rules } from "./rules.ts";
import { areConnected, isAwake } from "./sight.ts";
import { blankState, copyInto, ON, PLACES, type State } from "./state.ts";
import { StateStore } from "./store.ts";

export interface Plan {
  readonly rules: Rules;
  readonly limits: Limits;
  readonly faults: readonly Fault[];
  /** How many of them befall at most. */
  readonly budget: number;
  readonly starts: readonly State[];
}

export interface Finding {
  readonly problem: string;
  /** How it comes to that, tick by tick. */
  readonly run: readonly string[];
}

export interface Found {
  readonly finding?: Finding;
  readonly states: number;
  /** In ticks. */
  readonly longestTwo: number;
  readonly longestNone: number;
}

const NONE = -1;

export class Search {
  readonly #plan: Plan;
  readonly #store = new StateStore();
  readonly #parents: number[] = [];
  /** What led to a state: a fault by its place in the plan, counted from 1, or none, and the order of acting. */
  readonly #causes: number[] = [];
  /** Where a state goes without a fault, for each order. */
  readonly #next: number[] = [];
  readonly #before = blankState();
  readonly #faulty = blankState();
  readonly #after = blankState();
  #longestTwo = 0;
  #longestNone = 0;
  #finding: Finding | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Ends with the first finding. */
  run(): Found {
    for (const state of this.#plan.starts) this.#reach(state, NONE, 0);
    let from = 0;
    for (let faults = 0; this.#finding === undefined; faults += 1) {
      this.#closeOver(from);
      const end = this.#store.size;
      if (this.#finding !== undefined || faults === this.#plan.budget) break;
      for (let id = from; id < end && this.#finding === undefined; id += 1) this.#befall(id);
      from = end;
    }
    if (this.#finding === undefined) this.#judgeCircles();
    const finding = this.#finding === undefined ? {} : { finding: this.#finding };
    return { ...finding, states: this.#store.size, longestTwo: this.#longestTwo, longestNone: this.#longestNone };
  }

  /** Everything that is reached from these without a further fault. */
  #closeOver(from: number): void {
    for (let id = from; id < this.#store.size && this.#finding === undefined; id += 1) {
      this.#store.read(id, this.#before);
      const reached = this.#tickAll(this.#before, id, 0);
      for (const index of ORDERS.keys()) this.#next.push(reached[index] ?? reached[0] ?? NONE);
    }
  }

  #befall(id: number): void {
    const { rules, faults } = this.#plan;
    for (const [index, fault] of faults.entries()) {
      this.#store.read(id, this.#faulty);
      if (fault.apply(this.#faulty, rules)) this.#tickAll(this.#faulty, id, index + 1);
    }
  }

  /** A tick in each order, or in one where the order does not matter. @returns the numbers of the states reached. */
  #tickAll(state: State, parent: number, fault: number): readonly number[] {
    const { rules, limits } = this.#plan;
    const reached: number[] = [];
    for (const [index, order] of ORDERS.entries()) {
      copyInto(this.#after, state);
      const isOrdered = tick(this.#after, order, rules, limits);
      reached.push(this.#reach(this.#after, parent, fault * ORDERS.length + index));
      if (!isOrdered) break;
    }
    return reached;
  }

  #reach(state: State, parent: number, cause: number): number {
    const { size } = this.#store;
    const id = this.#store.add(state);
    if (id < size) return id;
    this.#parents.push(parent);
    this.#causes.push(cause);
    this.#judge(state, id);
    return id;
  }

  /** Promises about how long something lasts. */
  #judge({ two, none }: State, id: number): void {
    const { limits } = this.#plan;
    this.#longestTwo = Math.max(this.#longestTwo, two);
    this.#longestNone = Math.max(this.#longestNone, none);
    if (two > limits.two) this.#find(`two live owners for more than ${limits.two} ticks`, id);
    if (none > limits.none) this.#find(`nobody is an owner for more than ${limits.none} ticks`, id);
  }

  #at(id: number): State {
    const state = blankState();
    this.#store.read(id, state);
    return state;
  }

  #causeText(id: number): string {
    const cause = this.#causes[id] ?? 0;
    if (this.#parents[id] === NONE) return "at rest";
    const fault = this.#plan.faults[Math.floor(cause / ORDERS.length) - 1];
    const order = ORDERS[cause % ORDERS.length];
    return fault === undefined ? `${order}` : `${fault.name}, ${order}`;
  }

  #find(problem: string, id: number, more: readonly string[] = []): void {
    const run: string[] = [];
    for (let at = id; at !== NONE; at = this.#parents[at] ?? NONE) {
      run.unshift(`${this.#causeText(at)}: ${describe(this.#at(at))}`);
    }
    this.#finding ??= { problem, run: [...run, ...more] };
  }

  /** In each order alone: a circle of states in which something changes, or stays wrong. */
  #judgeCircles(): void {
    for (const index of ORDERS.keys()) {
      const visited = new Int32Array(this.#store.size).fill(NONE);
      for (let start = 0; start < this.#store.size; start += 1) {
        let id = start;
        while (visited[id] === NONE) {
          visited[id] = start;
          id = this.#successor(id, index);
        }
        if (visited[id] === start) this.#judgeCircle(id, index);
      }
    }
  }

  #successor(id: number, index: number): number {
    return this.#next[id * ORDERS.length + index] ?? NONE;
  }

  #judgeCircle(first: number, index: number): void {
    const circle = [first];
    for (let id = this.#successor(first, index); id !== first; id = this.#successor(id, index)) circle.push(id);
    const states = circle.map((id) => this.#at(id));
    const roles = new Set(states.map(({ routers }) => routers.map(({ isActive }) => isActive).join()));
    const turns = circle.map((id) => `${ORDERS[index]}, again and again: ${describe(this.#at(id))}`);
    if (roles.size > 1) this.#find("roles change for ever", first, turns);
    else if (states.every(areTwo)) this.#find("two owners for ever", first, turns);
    else if (states.every(isNobody)) this.#find("nobody is an owner for ever", first, turns);
  }
}

function areTwo(state: State): boolean {
  return state.routers.every(({ machine, vips }) => machine === ON && vips > 0) && areConnected(state);
}

function isNobody({ routers, isolated }: State): boolean {
  const couldServe = PLACES.some((place) => isAwake(routers[place]) && isolated[place] === 0);
  return couldServe && routers.every(({ machine, vips }) => machine !== ON || vips === 0);
}

const DAEMONS = ["no daemon", "runs", "hangs"];
const MACHINES = ["off", "on", "paused"];

/** One state for people. */
export function describe({ routers, readable, frames, isolated, two, none }: State): string {
  const words = routers.map((router, index) => {
    const { machine, daemon, isActive, vips, tenure, heard, proven, yields } = router;
    const role = isActive === 1 ? "active" : "standby";
    const marks = [...(proven === 1 ? ["proven"] : []), ...(yields === 1 ? ["yields"] : [])];
    const what = machine === ON ? DAEMONS[daemon] : MACHINES[machine];
    const who = index === 0 ? "primary" : "backup";
    return [`${who} ${what}`, role, `VIPs ${vips}`, `tenure ${tenure}`, `heard ${heard}`, ...marks].join(" ");
  });
  const wires = `heartbeats ${readable.join("")} frames ${frames.join("")} isolated ${isolated.join("")}`;
  return [...words, wires, `two ${two}`, `none ${none}`].join("; ");
}
