/** One run of a pair of real machines in a world without chance: from a start, with faults at moments of a grid. */
import { createState, nextDeadline, step } from "../../../src/failover/failover.ts";
import { Checkers, type Span } from "../../simulation/checkers.ts";
import { NoChance } from "../../simulation/no-chance.ts";
import type { Machine } from "../../simulation/router-host.ts";
import { ROUTERS, World } from "../../simulation/world.ts";
import { digestOf, STEP_MS } from "./digest.ts";
import type { Fault } from "./faults.ts";

export const REAL: Machine = { createState, step, nextDeadline };

export interface Start {
  readonly name: string;
  readonly begin: (world: World) => void;
}

const BOOT_MS = 600;
/** A standby stands off after two leases of answers. */
const STANDOFF_MS = 7_500;

function boot(world: World): void {
  for (const router of ROUTERS) world.hosts[router].start();
  world.run(BOOT_MS);
}

function bootWithActiveBackup(world: World): void {
  boot(world);
  world.hosts.primary.command({ kind: "operator", id: 1, command: { kind: "switch" } });
  world.run(BOOT_MS);
}

function loseKey(world: World): void {
  world.setTwoKeys(true);
  world.run(STANDOFF_MS);
}

export const STARTS: readonly Start[] = [
  { name: "the primary is active", begin: boot },
  { name: "the backup is active", begin: bootWithActiveBackup },
  {
    name: "the primary is active, and the keys differ",
    begin: (world) => {
      boot(world);
      loseKey(world);
    },
  },
  {
    name: "the backup is active, and the keys differ",
    begin: (world) => {
      bootWithActiveBackup(world);
      loseKey(world);
    },
  },
];

/** What happens, and how many steps of the grid after what happened before. */
export interface Event {
  readonly afterSteps: number;
  readonly fault: Fault;
}

/** How long each may last at most, in one piece. */
export interface Bounds {
  /** Both kernels have a VIP, both daemons live, and frames pass both ways. */
  readonly twoOwnersMs: number;
  /** No kernel has one of the VIPs, and some router could have it. */
  readonly noOwnerMs: number;
}

export interface Conditions {
  readonly machine: Machine;
  /** Part of each delay that it may take, from 0 to below 1. */
  readonly part: number;
  readonly bounds: Bounds;
}

export class Run {
  readonly world: World;
  readonly #checkers = new Checkers();
  readonly #bounds: Bounds;
  readonly #offsetMs: number;
  readonly #beganMs: number;

  constructor(start: Start, { machine, part, bounds }: Conditions, onLine?: (line: string) => void) {
    this.#bounds = bounds;
    // As each host draws it: the first thing that it does.
    this.#offsetMs = new NoChance(part).between(1_000, 1e9);
    this.world = new World({
      random: new NoChance(part),
      machine,
      settings: { failback: "manual" },
      conditions: { delayMs: 0.1, jitterMs: 0, loss: 0, duplication: 0 },
      watcher: this.#checkers.watcher,
      observe: (world) => this.#checkers.observe(world),
      ...(onLine === undefined ? {} : { onLine }),
    });
    start.begin(this.world);
    this.#beganMs = this.world.clock.now;
  }

  advance(steps: number): void {
    this.world.run(steps * STEP_MS);
  }

  #open(spans: readonly Span[]): number {
    const last = spans.at(-1);
    return last?.toMs === this.world.clock.now ? last.toMs - last.fromMs : 0;
  }

  #spans() {
    const { now } = this.world.clock;
    return {
      two: this.#checkers.twoLiveOwners.after(this.#beganMs, now),
      none: ROUTERS.flatMap((router) => this.#checkers.neglected[router].after(this.#beganMs, now)),
    };
  }

  /** Where the run is, for the search: spans that run are part of it. */
  get digest(): string {
    const { now } = this.world.clock;
    const running = [
      this.#open(this.#checkers.twoLiveOwners.after(this.#beganMs, now)),
      ...ROUTERS.map((router) => this.#open(this.#checkers.neglected[router].after(this.#beganMs, now))),
    ];
    return `${digestOf(this.world, this.#offsetMs)}\n${running.map((ms) => Math.ceil(ms / STEP_MS)).join()}`;
  }

  get longest(): { readonly twoMs: number; readonly noneMs: number } {
    const { two, none } = this.#spans();
    const longestOf = (spans: readonly Span[]) => Math.max(0, ...spans.map(({ fromMs, toMs }) => toMs - fromMs));
    return { twoMs: longestOf(two), noneMs: longestOf(none) };
  }

  /** Promises that were broken so far. */
  get problems(): readonly string[] {
    const { twoMs, noneMs } = this.longest;
    return [
      ...(twoMs > this.#bounds.twoOwnersMs ? [`two owners for ${Math.round(twoMs)} ms`] : []),
      ...(noneMs > this.#bounds.noOwnerMs ? [`no owner for ${Math.round(noneMs)} ms`] : []),
      ...this.#checkers.problems,
      ...this.#checkers.flapping(),
    ];
  }

  /** How often roles have changed. */
  get transitions(): number {
    return this.#checkers.transitions.length;
  }

  /** What is wrong if it stays so for ever. */
  get restProblems(): readonly string[] {
    const { world } = this;
    const { owners } = world;
    const isTwo = owners.length > 1 && world.connected;
    const isNone = this.#open(this.#spans().none) > 0;
    return [...(isTwo ? ["two owners for ever"] : []), ...(isNone ? ["no owner for ever"] : [])];
  }
}
