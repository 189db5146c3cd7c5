/** Two routers, their two networks and the neighbours on them. */

import type { FailoverSettings, SidedVip } from "../../src/failover/machine/settings.ts";
import { parseAddressPrefix } from "../../src/model/address.ts";
import { type MacAddress, parseMacAddress } from "../../src/model/mac-address.ts";
import { PATHS, type PathName, type RouterId } from "../../src/model/pair.ts";
import { Clock } from "./clock.ts";
import { Neighbour } from "./neighbour.ts";
import { type Conditions, Network, type NetworkImage, SEGMENTS, type Segment } from "./network.ts";
import type { Random } from "./random.ts";
import { type HostImage, type Machine, RouterHost, type Watcher } from "./router-host.ts";

export const ROUTERS: readonly RouterId[] = ["primary", "backup"];
const LOG_LINES = 60;

export function vip(text: string, name: string, side: PathName): SidedVip {
  const prefix = parseAddressPrefix(text);
  if (!prefix.ok) throw new RangeError(prefix.problem);
  return { vip: { prefix: prefix.value, interface: name }, side };
}

function mac(router: number, side: number): MacAddress {
  const parsed = parseMacAddress(`02:00:00:00:0${router}:0${side}`);
  if (!parsed.ok) throw new RangeError(parsed.problem);
  return parsed.value;
}

export const MACS: { readonly [R in RouterId | "neighbour"]: { readonly [S in Segment]: MacAddress } } = {
  primary: { public: mac(1, 0), private: mac(1, 1), third: mac(1, 2) },
  backup: { public: mac(2, 0), private: mac(2, 1), third: mac(2, 2) },
  neighbour: { public: mac(9, 0), private: mac(9, 1), third: mac(9, 2) },
};

export const SETTINGS: Omit<FailoverSettings, "router"> = {
  pairId: "00112233445566aa",
  intervalMs: 200,
  deadAfterMs: 1_000,
  leaseMs: 3_000,
  failback: "automatic",
  stop: "release",
  vips: [vip("203.0.113.10/24", "eth0", "public"), vip("10.0.0.1/24", "eth1", "private")],
  services: [],
  views: "warn",
  hasServices: false,
  configFingerprint: "0000000000000001",
  software: "0.1.0",
  failbackStableMs: 30_000,
};

export const CALM: Conditions = { delayMs: 0.1, jitterMs: 0.1, loss: 0, duplication: 0 };

export interface WorldOptions {
  readonly random: Random;
  readonly machine: Machine;
  readonly settings?: Partial<FailoverSettings>;
  readonly conditions?: Conditions;
  readonly watcher: Omit<Watcher, "log" | "onDisturbed" | "onChange">;
  /** Hears every line of the log. */
  readonly onLine?: (line: string) => void;
  /** Called after every event. */
  readonly observe: (world: World) => void;
}

/** A world at a moment in which nothing is on its way: what a new one needs to go on from there. */
export interface WorldImage {
  readonly nowMs: number;
  readonly networks: { readonly [S in Segment]: NetworkImage };
  readonly caches: { readonly [S in Segment]: ReadonlyMap<string, MacAddress> };
  readonly hosts: { readonly [R in RouterId]: HostImage };
}

export class World {
  readonly clock = new Clock();
  readonly random: Random;
  readonly networks: { readonly [S in Segment]: Network };
  readonly hosts: { readonly [R in RouterId]: RouterHost };
  readonly neighbours: { readonly [S in Segment]: Neighbour };
  readonly lines: string[] = [];
  /** When a daemon was killed or frozen: what it would have done then it did not do. */
  readonly disturbances: { readonly router: RouterId; readonly atMs: number }[] = [];
  #touched = true;
  readonly settings: Omit<FailoverSettings, "router">;
  readonly #onLine: (line: string) => void;
  readonly #observe: (world: World) => void;

  constructor(options: WorldOptions) {
    const { random, machine } = options;
    this.random = random;
    this.#observe = options.observe;
    this.#onLine = options.onLine ?? (() => {});
    this.settings = { ...SETTINGS, ...options.settings };
    const conditions = options.conditions ?? CALM;
    this.networks = {
      public: new Network(this.clock, random, conditions),
      private: new Network(this.clock, random, conditions),
      third: new Network(this.clock, random, conditions),
    };
    this.neighbours = {
      public: new Neighbour(this.networks.public, MACS.neighbour.public, () => this.touch()),
      private: new Neighbour(this.networks.private, MACS.neighbour.private, () => this.touch()),
      third: new Neighbour(this.networks.third, MACS.neighbour.third, () => this.touch()),
    };
    const watcher: Watcher = {
      ...options.watcher,
      log: (text) => this.log(text),
      onChange: () => this.touch(),
      onDisturbed: (router) => this.disturbances.push({ router, atMs: this.clock.now }),
    };
    const host = (router: RouterId, peer: RouterId) =>
      new RouterHost({
        router,
        settings: { ...this.settings, router },
        networks: this.networks,
        macs: MACS[router],
        peerMacs: MACS[peer],
        machine,
        clock: this.clock,
        random,
        watcher,
      });
    this.hosts = { primary: host("primary", "backup"), backup: host("backup", "primary") };
  }

  /** Something that the checkers look at has changed. */
  touch(): void {
    this.#touched = true;
  }

  log(text: string): void {
    this.touch();
    const line = `${this.clock.now.toFixed(1).padStart(10)} ${text}`;
    this.#onLine(line);
    this.lines.push(line);
    if (this.lines.length > LOG_LINES) this.lines.shift();
  }

  run(durationMs: number): void {
    this.#touched = true;
    this.clock.run(this.clock.now + durationMs, () => {
      if (!this.#touched) return;
      this.#touched = false;
      this.#observe(this);
    });
  }

  /** Nothing is on its way, neither between machines nor in one of them. */
  get isQuiet(): boolean {
    return (
      SEGMENTS.every((name) => this.networks[name].inFlight === 0) && ROUTERS.every((name) => this.hosts[name].isQuiet)
    );
  }

  save(): WorldImage {
    const { networks, neighbours, hosts } = this;
    const each = <T>(of: (segment: Segment) => T) => ({
      public: of("public"),
      private: of("private"),
      third: of("third"),
    });
    return {
      nowMs: this.clock.now,
      networks: each((name) => networks[name].save()),
      caches: each((name) => new Map(neighbours[name].cache)),
      hosts: { primary: hosts.primary.save(), backup: hosts.backup.save() },
    };
  }

  /** Makes a new world be as another one was. */
  load({ nowMs, networks, caches, hosts }: WorldImage): void {
    this.clock.run(nowMs, () => {});
    for (const name of SEGMENTS) {
      this.networks[name].load(networks[name]);
      for (const [address, mac] of caches[name]) this.neighbours[name].cache.set(address, mac);
    }
    for (const router of ROUTERS) this.hosts[router].load(hosts[router]);
  }

  setConditions(conditions: Conditions): void {
    for (const segment of SEGMENTS) this.networks[segment].conditions = conditions;
  }

  /** The routers cannot hear each other on this path (one way or both), while both hear everybody else. */
  cutBetween(path: PathName, isCut: boolean, oneWay?: RouterId): void {
    const { primary, backup } = MACS;
    if (oneWay !== "backup") this.networks[path].cut(primary[path], backup[path], isCut);
    if (oneWay !== "primary") this.networks[path].cut(backup[path], primary[path], isCut);
    this.log(`${path}: ${isCut ? "cut" : "mended"} between the routers${oneWay ? `, from ${oneWay} only` : ""}`);
  }

  /** A packet filter between the routers drops heartbeats and nothing else. */
  filterHeartbeats(where: "leaving" | "coming" | undefined): void {
    for (const path of PATHS) this.networks[path].dropsHeartbeats = where;
    this.log(where === undefined ? "heartbeats are not filtered any more" : "heartbeats are filtered");
  }

  /** The other router's packet filter drops what this one says. */
  setUnheard(router: RouterId, isOn: boolean): void {
    for (const path of PATHS) {
      if (isOn) this.networks[path].unheard.add(router);
      else this.networks[path].unheard.delete(router);
    }
    this.log(`${router}: its heartbeats are ${isOn ? "filtered at its peer" : "not filtered any more"}`);
  }

  /** The routers have different keys. */
  setTwoKeys(isOn: boolean): void {
    for (const path of PATHS) this.networks[path].hasTwoKeys = isOn;
    this.log(isOn ? "the routers have different keys" : "the routers have the same key again");
  }

  /** No frame passes at this router's ports. */
  setIsolated(router: RouterId, isOn: boolean): void {
    for (const segment of SEGMENTS) {
      const port = this.hosts[router].ports[segment];
      port.sends = !isOn;
      port.receives = !isOn;
    }
    this.log(`${router}: ${isOn ? "isolated" : "reachable again"}`);
  }

  /** Some path carries frames in both directions between the routers. */
  get connected(): boolean {
    const { primary, backup } = this.hosts;
    return PATHS.some((path) => {
      const network = this.networks[path];
      const a = primary.ports[path];
      const b = backup.ports[path];
      return network.passes(a, b) && network.passes(b, a);
    });
  }

  /** Heartbeats that pass are accepted. */
  get understood(): boolean {
    return (
      this.connected &&
      PATHS.every((path) => {
        const { hasTwoKeys, dropsHeartbeats, unheard } = this.networks[path];
        return !hasTwoKeys && dropsHeartbeats === undefined && unheard.size === 0;
      })
    );
  }

  /** The routers whose kernels have any VIP. */
  get owners(): readonly RouterId[] {
    return ROUTERS.filter((router) => this.hosts[router].kernel.addresses.length > 0);
  }
}
