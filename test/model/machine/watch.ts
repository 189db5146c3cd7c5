/** What a search watches in a world, from outside: who owns, for how long, and how often roles change. */
import type { RouterId } from "../../../src/model/pair.ts";
import { isAlive, isHealthy } from "../../simulation/checkers.ts";
import { ROUTERS, type World } from "../../simulation/world.ts";

/** Two live owners whose frames reach each other; or no owner beside a router that could be one all the time. */
const CONCERNS = ["two", "none primary", "none backup"] as const;
type Concern = (typeof CONCERNS)[number];

/** More changes of one router's role within this than faults can bring are a flapping. */
const FLAP_MS = 1_000;
const FLAPS = 5;

interface Change {
  readonly atMs: number;
  readonly router: RouterId;
}

export interface WatchImage {
  readonly sinceMs: ReadonlyMap<Concern, number>;
  readonly changes: readonly Change[];
}

/** How long each may last at most, in one piece. */
export interface Bounds {
  readonly twoOwnersMs: number;
  readonly noOwnerMs: number;
}

export class Watch {
  readonly #sinceMs: Map<Concern, number>;
  readonly #longestMs = new Map<Concern, number>();
  readonly #changes: Change[];
  readonly #broken: string[] = [];
  #nowMs = 0;

  constructor(image?: WatchImage) {
    this.#sinceMs = new Map(image?.sinceMs);
    this.#changes = [...(image?.changes ?? [])];
  }

  save(): WatchImage {
    const recent = this.#changes.filter(({ atMs }) => this.#nowMs - atMs < FLAP_MS);
    return { sinceMs: new Map(this.#sinceMs), changes: recent };
  }

  observe(world: World): void {
    this.#nowMs = world.clock.now;
    const { primary, backup } = world.hosts;
    const addresses = world.settings.vips.map(({ vip }) => vip.prefix.address.text);
    const isTwo = addresses.some((address) => primary.kernel.holds(address) && backup.kernel.holds(address));
    const isNone = addresses.some((address) => !primary.kernel.holds(address) && !backup.kernel.holds(address));
    this.#note("two", isTwo && world.connected && ROUTERS.every((router) => isAlive(world, router)));
    for (const router of ROUTERS) this.#note(`none ${router}`, isNone && isHealthy(world, router));
  }

  #note(concern: Concern, isTrue: boolean): void {
    const sinceMs = this.#sinceMs.get(concern);
    if (sinceMs !== undefined) {
      this.#longestMs.set(concern, Math.max(this.#longestMs.get(concern) ?? 0, this.#nowMs - sinceMs));
    }
    if (!isTrue) this.#sinceMs.delete(concern);
    else if (sinceMs === undefined) this.#sinceMs.set(concern, this.#nowMs);
  }

  noteChange(router: RouterId): void {
    this.#changes.push({ atMs: this.#nowMs, router });
  }

  /** An assertion of the machine failed, or something else in it. */
  noteBroken(router: RouterId, error: Error): void {
    this.#broken.push(`the ${router}'s machine broke: ${error.message}`);
  }

  /** How often roles have changed. */
  get changes(): number {
    return this.#changes.length;
  }

  #longest(...concerns: readonly Concern[]): number {
    return Math.max(...concerns.map((concern) => this.#longestMs.get(concern) ?? 0));
  }

  get longest(): { readonly twoMs: number; readonly noneMs: number } {
    return { twoMs: this.#longest("two"), noneMs: this.#longest("none primary", "none backup") };
  }

  /** How long each has lasted that lasts, in steps. */
  ages(stepMs: number): string {
    return CONCERNS.map((concern) => {
      const sinceMs = this.#sinceMs.get(concern);
      return sinceMs === undefined ? "" : Math.ceil((this.#nowMs - sinceMs) / stepMs);
    }).join();
  }

  /** Promises that were broken so far. */
  problems({ twoOwnersMs, noOwnerMs }: Bounds): readonly string[] {
    const { twoMs, noneMs } = this.longest;
    const isFlapping = ROUTERS.some((router) => {
      const times = this.#changes.filter((change) => change.router === router).map(({ atMs }) => atMs);
      return times.some((fromMs, index) => (times[index + FLAPS] ?? Infinity) - fromMs < FLAP_MS);
    });
    return [
      ...this.#broken,
      ...(twoMs > twoOwnersMs ? [`two owners for ${Math.round(twoMs)} ms`] : []),
      ...(noneMs > noOwnerMs ? [`no owner for ${Math.round(noneMs)} ms`] : []),
      ...(isFlapping ? ["a role flaps"] : []),
    ];
  }

  /** What is wrong if it stays so for ever. */
  get restProblems(): readonly string[] {
    const isNone = ROUTERS.some((router) => this.#sinceMs.has(`none ${router}`));
    return [...(this.#sinceMs.has("two") ? ["two owners for ever"] : []), ...(isNone ? ["no owner for ever"] : [])];
  }
}
