/**
 * What must hold, watched from outside: the checkers know the kernels, the wires and the neighbours' caches, nothing of
 * the machine's state. Each collects; the judgement is the caller's, who knows which faults there were.
 */
import type { Transition } from "../../src/failover/machine/history.ts";
import { PATHS, type RouterId } from "../../src/model/pair.ts";
import { isTakenBack, orderText, type SharedEntry, sharedKey } from "../../src/model/shared-entry.ts";
import type { Vip } from "../../src/model/vip.ts";
import { INTERFACES, SEGMENTS, type Segment } from "./network.ts";
import type { World } from "./world.ts";
import { ROUTERS } from "./world.ts";

const FLAP_MS = 1_000;
const FLAPS = 5;
const REFUSAL_MEMORY_MS = 11_000;

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Collects the spans in which something is true. */
class SpanWatch {
  readonly spans: Span[] = [];
  #sinceMs: number | undefined;

  observe(nowMs: number, isTrue: boolean): void {
    if (isTrue && this.#sinceMs === undefined) this.#sinceMs = nowMs;
    else if (!isTrue && this.#sinceMs !== undefined) {
      this.spans.push({ fromMs: this.#sinceMs, toMs: nowMs });
      this.#sinceMs = undefined;
    }
  }

  /** All spans, the open one included, that reach beyond `fromMs`. */
  after(fromMs: number, nowMs: number): readonly Span[] {
    const open = this.#sinceMs === undefined ? [] : [{ fromMs: this.#sinceMs, toMs: nowMs }];
    return [...this.spans, ...open].filter((span) => span.toMs > fromMs);
  }
}

export function longestMs(spans: readonly Span[]): number {
  return Math.max(0, ...spans.map((span) => span.toMs - span.fromMs));
}

/** The networks that carry a VIP, and both paths. */
function usedSegments(world: World): readonly Segment[] {
  const isThirdUsed = world.settings.vips.some(({ vip }) => vip.interface === INTERFACES.third);
  return isThirdUsed ? SEGMENTS : PATHS;
}

/** Its daemon runs, and its kernel does what that wants. */
export function isAlive(world: World, router: RouterId): boolean {
  const { process, kernel } = world.hosts[router];
  return process !== undefined && !process.frozen && !kernel.locked && world.clock.now >= kernel.hungUntilMs;
}

/** Whether this router could serve: its daemon runs, its cables and ports are whole, its kernel answers. */
export function isHealthy(world: World, router: RouterId): boolean {
  const { process, kernel, ports, ownAddress, answersArp, answersForAll } = world.hosts[router];
  if (!isAlive(world, router) || process?.state.abstaining === true || process?.state.stopping !== undefined)
    return false;
  if (!answersArp || answersForAll || !PATHS.every((path) => ownAddress[path])) return false;
  if (kernel.refuses.size > 0 || kernel.renamed.size > 0) return false;
  return usedSegments(world).every((segment) => {
    const { cable, sends, receives } = ports[segment];
    return cable && sends && receives && world.hosts[router].isReachable(segment);
  });
}

/** What the kernel of this router tells it: an interface that cannot carry its VIP. */
function isUnfit(world: World, router: RouterId): boolean {
  const { kernel, ports, ownAddress } = world.hosts[router];
  return usedSegments(world).some((segment) => {
    const name = INTERFACES[segment];
    if (!ports[segment].cable || kernel.down.has(name) || kernel.gone.has(name) || kernel.renamed.has(name))
      return true;
    return segment !== "third" && !ownAddress[segment];
  });
}

/** An active that cannot serve, beside a standby that could, and that has said so. */
function isUnfitActive(world: World, router: RouterId): boolean {
  const other = router === "primary" ? "backup" : "primary";
  if (world.hosts[router].role !== "active" || !isAlive(world, router) || !isUnfit(world, router)) return false;
  // What its kernel refused a standby believes for ten seconds.
  const isTrusted = world.clock.now - world.hosts[other].kernel.refusedAtMs > REFUSAL_MEMORY_MS;
  return isTrusted && isHealthy(world, other) && world.hosts[other].role === "standby" && world.understood;
}

function isCutOffOwner(world: World, router: RouterId): boolean {
  const { running, kernel, ports } = world.hosts[router];
  return running && !kernel.locked && kernel.addresses.length > 0 && PATHS.every((path) => !ports[path].cable);
}

export interface Happened<T> {
  readonly atMs: number;
  readonly router: RouterId;
  readonly what: T;
}

export class Checkers {
  /** Both kernels have the same VIP, and the routers can reach each other. */
  readonly twoOwners = new SpanWatch();
  /** No kernel has some VIP. */
  readonly noOwner = new SpanWatch();
  /** A client behind the gateway, or a real server, gets no answer from a VIP. */
  readonly unserved = new SpanWatch();
  /** A running daemon keeps VIPs in a kernel that has no cable at all. */
  readonly cutOff: { readonly [R in RouterId]: SpanWatch } = { primary: new SpanWatch(), backup: new SpanWatch() };
  /** Spans without an owner although one router was healthy all the time. */
  readonly neglected: { readonly [R in RouterId]: SpanWatch } = { primary: new SpanWatch(), backup: new SpanWatch() };
  /** Both kernels have the same VIP, frames pass between the routers, and both daemons live. */
  readonly twoLiveOwners = new SpanWatch();
  /** A router is active that cannot serve, beside a standby that could. */
  readonly unfitActive: { readonly [R in RouterId]: SpanWatch } = { primary: new SpanWatch(), backup: new SpanWatch() };
  readonly transitions: Happened<Transition>[] = [];
  readonly announcements: Happened<readonly Vip[]>[] = [];
  readonly answers: Happened<{ id: number; ok: boolean; text: string }>[] = [];
  readonly wakes: { [R in RouterId]: number } = { primary: 0, backup: 0 };
  readonly terms: { [R in RouterId]: number } = { primary: 0, backup: 0 };
  readonly problems: string[] = [];
  /** Who has the address that only a program can move. */
  cloud: RouterId | undefined;
  world: World | undefined;

  observe(world: World): void {
    this.world = world;
    const { now } = world.clock;
    const addresses = world.settings.vips.map((sided) => sided.vip.prefix.address.text);
    const { primary, backup } = world.hosts;
    const both = addresses.some((address) => primary.kernel.holds(address) && backup.kernel.holds(address));
    const none = addresses.some((address) => !primary.kernel.holds(address) && !backup.kernel.holds(address));
    this.twoOwners.observe(now, both && world.connected);
    this.twoLiveOwners.observe(now, both && world.connected && ROUTERS.every((router) => isAlive(world, router)));
    this.noOwner.observe(now, none);
    this.unserved.observe(now, !isServed(world));
    for (const router of ROUTERS) {
      this.cutOff[router].observe(now, isCutOffOwner(world, router));
      this.neglected[router].observe(now, none && isHealthy(world, router));
      this.unfitActive[router].observe(now, isUnfitActive(world, router));
      this.#observeTerm(world, router);
    }
  }

  #observeTerm(world: World, router: RouterId): void {
    const term = world.hosts[router].process?.state.term;
    if (term === undefined) return;
    if (term < this.terms[router]) this.problems.push(`${router}: its term fell from ${this.terms[router]} to ${term}`);
    this.terms[router] = term;
  }

  readonly watcher = {
    onTransition: (router: RouterId, transition: Transition): void => {
      this.transitions.push({ atMs: this.world?.clock.now ?? 0, router, what: transition });
      if (transition.causes.length === 0) this.problems.push(`${router}: a transition without a cause`);
    },
    onAnnounce: (router: RouterId, vips: readonly Vip[]): void => {
      this.announcements.push({ atMs: this.world?.clock.now ?? 0, router, what: vips });
    },
    onAnswer: (router: RouterId, id: number, ok: boolean, text: string): void => {
      this.answers.push({ atMs: this.world?.clock.now ?? 0, router, what: { id, ok, text } });
    },
    onShared: (_router: RouterId, entries: readonly SharedEntry[]): void => {
      for (const entry of entries) this.#noteOrder(entry);
    },
    onCloud: (router: RouterId): void => {
      this.cloud = router;
    },
    onEffect: (): void => {},
    onBroken: (router: RouterId, error: Error): void => {
      this.problems.push(`${router}: ${error.message}`);
    },
    onWake: (router: RouterId): void => {
      this.wakes[router] += 1;
    },
  };

  /** What operators ordered and a router kept, the newest word of each. */
  readonly #orders = new Map<string, SharedEntry>();

  #noteOrder(entry: SharedEntry): void {
    const known = this.#orders.get(sharedKey(entry));
    const isNewer = known === undefined || entry.revision > known.revision;
    const isPrimarys = entry.revision === known?.revision && entry.by === "primary";
    if (isNewer || isPrimarys) this.#orders.set(sharedKey(entry), entry);
  }

  /** At rest both routers know the newest word of each order, and their balancers follow just those. */
  unshared(world: World): readonly string[] {
    // A router that was stopped for good, with nobody there to tell, has taken its news along.
    if (ROUTERS.some((router) => world.hosts[router].process === undefined)) return [];
    return ROUTERS.flatMap((router) => {
      const { process, ordered } = world.hosts[router];
      if (process === undefined) return [];
      const wrong = [...this.#orders].filter(([key, newest]) => {
        const known = process.state.shared.entries.get(key);
        return known === undefined || orderText(known) !== orderText(newest);
      });
      const followed = [...this.#orders.values()].filter((entry) => entry.kind === "server" && !isTakenBack(entry));
      const texts = followed.map((entry) => `${sharedKey(entry)}: ${orderText(entry)}`).toSorted();
      const has = [...ordered].map(([key, text]) => `${key}: ${text}`).toSorted();
      return [
        ...wrong.map(([key, newest]) => `${router} does not know of ${key}: ${orderText(newest)}`),
        ...(texts.join() === has.join() ? [] : [`${router}'s balancer follows ${has.join()}, not ${texts.join()}`]),
      ];
    });
  }

  /** Every time a router became active, both forms of every VIP were announced at once and again 1.1 s later. */
  unannounced(world: World): readonly string[] {
    const isDone = (atMs: number) => world.clock.now > atMs + 2_500;
    const isDisturbed = (router: RouterId, atMs: number) =>
      world.disturbances.some((one) => one.router === router && one.atMs > atMs - 5 && one.atMs < atMs + 2_500);
    return this.transitions
      .filter(({ what, atMs, router }) => what.to === "active" && isDone(atMs) && !isDisturbed(router, atMs))
      .flatMap(({ router, atMs }) => {
        // It may be over in the very moment in which the kernel had the addresses.
        const lost = this.transitions.some(
          ({ router: whose, what, atMs: laterMs }) =>
            whose === router && what.to === "standby" && laterMs >= atMs && laterMs < atMs + 2_500,
        );
        const within = (low: number, high: number) =>
          this.announcements.some(
            (said) => said.router === router && said.atMs >= atMs + low && said.atMs <= atMs + high,
          );
        const problems: string[] = [];
        if (!within(-1, 5)) problems.push(`${router}: took over at ${atMs.toFixed(1)} without announcing`);
        if (!lost && !within(1_000, 2_500)) problems.push(`${router}: did not announce again after ${atMs.toFixed(1)}`);
        return problems;
      });
  }

  /** A router whose role changes back and forth faster than any fault comes and goes. */
  flapping(): readonly string[] {
    return ROUTERS.flatMap((router) => {
      const times = this.transitions.filter((change) => change.router === router).map((change) => change.atMs);
      const at = times.find(
        (fromMs) => times.filter((atMs) => atMs >= fromMs && atMs < fromMs + FLAP_MS).length > FLAPS,
      );
      return at === undefined ? [] : [`${router}: its role flapped from ${at.toFixed(1)} on`];
    });
  }

  /** What must be true of a pair at rest: one owner of everything, who is active, whom the neighbours know. */
  unsettled(world: World): readonly string[] {
    const problems: string[] = [];
    const { owners } = world;
    const [owner] = owners;
    if (owner === undefined || owners.length > 1) return [`owners at rest: ${owners.join(" and ") || "none"}`];
    if (world.settings.takeoverStep !== undefined && this.cloud !== owner) {
      problems.push(`${owner} owns the VIPs, but the cloud's address is at ${this.cloud}`);
    }
    for (const router of ROUTERS) {
      const host = world.hosts[router];
      const active = host.role === "active";
      if (active !== (router === owner)) problems.push(`${router} is ${host.role}, but ${owner} owns the VIPs`);
      if (host.process !== undefined && host.balancing !== host.role) {
        problems.push(`${router} is ${host.role}, its balancing is set for ${host.balancing}`);
      }
    }
    return problems;
  }
}

/** Each neighbour's cache names a machine that has the VIP and can be reached, there and back. */
export function isServed(world: World): boolean {
  return world.settings.vips.every(({ vip }) => {
    const segment = SEGMENTS.find((name) => INTERFACES[name] === vip.interface) ?? "public";
    const neighbour = world.neighbours[segment];
    const address = vip.prefix.address.text;
    const mac = neighbour.cache.get(address);
    const host = ROUTERS.map((router) => world.hosts[router]).find((candidate) => candidate.ports[segment].mac === mac);
    if (host === undefined || !host.kernel.holds(address) || !host.isReachable(segment)) return false;
    const network = world.networks[segment];
    return network.passes(neighbour, host.ports[segment]) && network.passes(host.ports[segment], neighbour);
  });
}
