/** One run of a pair of real machines in a world without chance: from a start, with faults at moments of a grid. */
import { createState, nextDeadline, step } from "../../../src/failover/failover.ts";
import type { RouterId } from "../../../src/model/pair.ts";
import { NoChance } from "../../simulation/no-chance.ts";
import type { Machine } from "../../simulation/router-host.ts";
import { World, type WorldImage } from "../../simulation/world.ts";
import { digestOf, STEP_MS } from "./digest.ts";
import type { Fault } from "./faults.ts";
import type { Start } from "./starts.ts";
import { type Bounds, Watch, type WatchImage } from "./watch.ts";

export const REAL: Machine = { createState, step, nextDeadline };

export interface Conditions {
  readonly machine: Machine;
  /** Part of each delay that it may take, from 0 to below 1. */
  readonly part: number;
  readonly bounds: Bounds;
}

/** Where a run was, to go on from there as often as one likes. */
export interface RunImage {
  readonly world: WorldImage;
  readonly watch: WatchImage;
  readonly drawn: number;
}

/** Frames take a tenth of a millisecond, a change of addresses up to three. */
const QUIET_STEP_MS = 0.25;

export class Run {
  readonly world: World;
  readonly #watch: Watch;
  readonly #random: NoChance;
  readonly #bounds: Bounds;
  readonly #offsetMs: number;

  constructor(from: Start | RunImage, { machine, part, bounds }: Conditions, onLine?: (line: string) => void) {
    this.#bounds = bounds;
    this.#random = new NoChance(part, "drawn" in from ? from.drawn : 0);
    // As each host draws it.
    this.#offsetMs = this.#random.between(1_000, 1e9);
    this.#watch = new Watch("watch" in from ? from.watch : undefined);
    this.world = new World({
      random: this.#random,
      machine,
      settings: { failback: "manual" },
      conditions: { delayMs: 0.1, jitterMs: 0, loss: 0, duplication: 0 },
      watcher: this.#watcher,
      observe: (world) => this.#watch.observe(world),
      ...(onLine === undefined ? {} : { onLine }),
    });
    if ("world" in from) this.world.load(from.world);
    else {
      from.begin(this.world);
      this.#beQuiet();
    }
  }

  get #watcher() {
    const nothing = () => {};
    return {
      onTransition: (router: RouterId) => this.#watch.noteChange(router),
      onBroken: (router: RouterId, error: Error) => this.#watch.noteBroken(router, error),
      onAnnounce: nothing,
      onAnswer: nothing,
      onWake: nothing,
      onShared: nothing,
      onCloud: nothing,
      onEffect: nothing,
    };
  }

  save(): RunImage {
    return { world: this.world.save(), watch: this.#watch.save(), drawn: this.#random.drawn };
  }

  apply(fault: Fault): void {
    fault.apply(this.world);
  }

  /** Some steps of the grid, and until nothing is on its way. */
  advance(steps: number): void {
    for (let done = 0; done < steps; done += 1) {
      this.world.run(STEP_MS);
      this.#beQuiet();
    }
  }

  #beQuiet(): void {
    while (!this.world.isQuiet) this.world.run(QUIET_STEP_MS);
  }

  /** Where the run is, for the search: what lasts too long is part of it. */
  get digest(): string {
    return `${digestOf(this.world, this.#offsetMs)}\n${this.#watch.ages(STEP_MS)}`;
  }

  get longest(): Watch["longest"] {
    return this.#watch.longest;
  }

  get changes(): number {
    return this.#watch.changes;
  }

  get problems(): readonly string[] {
    return this.#watch.problems(this.#bounds);
  }

  get restProblems(): readonly string[] {
    return this.#watch.restProblems;
  }
}
