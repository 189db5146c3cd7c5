/** Many faults at once, from a seed; then everything is mended, and the pair must come to rest. */
import { AGREEMENT_MS, ANNOUNCE_REFRESH_MS, type FailoverSettings } from "../../src/failover/machine/settings.ts";
import { PATHS, type PathName, type RouterId } from "../../src/model/pair.ts";
import type { ServerOrder } from "../../src/model/shared-entry.ts";
import { Checkers, isServed, longestMs } from "./checkers.ts";
import { type Conditions, INTERFACES, type Segment } from "./network.ts";
import { Random } from "./random.ts";
import type { Machine, RouterHost } from "./router-host.ts";
import type { Run } from "./run-single-fault.ts";
import { CALM, ROUTERS, SETTINGS, vip, World } from "./world.ts";

/** Which kinds of faults a run has, and what they may cost. */
export interface Weather {
  readonly name: string;
  readonly faults: readonly [Fault, ...Fault[]];
  readonly conditions: (random: Random) => Conditions;
  readonly settings?: Partial<FailoverSettings>;
  /** How long the program of a takeover takes at most, and how often it fails during the storm. */
  readonly step?: { readonly ms: number; readonly failures: number };
  readonly stormMs: number;
  /** After the storm: until the pair must be at rest, and how long it has to stay so. */
  readonly calmDownMs: number;
  readonly restMs: number;
  /** Two owners that can reach each other, in one piece. */
  readonly twoOwnersMs: number;
  /** The same while both daemons live; absent: as `twoOwnersMs`. */
  readonly twoLiveOwnersMs?: number;
  /** A router is active that cannot serve, beside a standby that could; absent: not looked at. */
  readonly unfitActiveMs?: number;
  /** No owner although one router is healthy all the time. */
  readonly neglectedMs: number;
}

type Fault = (world: World, random: Random) => Mend | undefined;
interface Mend {
  readonly afterMs: number;
  readonly run: () => void;
}

function anyHost(world: World, random: Random): RouterHost {
  return world.hosts[random.pick<RouterId>(["primary", "backup"])];
}

function anyPath(random: Random): PathName {
  return random.pick(["public", "private"]);
}

const kill: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.kill();
  return { afterMs: random.between(10, 9_000), run: () => host.start() };
};

const freeze: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.freeze();
  return { afterMs: random.between(10, 8_000), run: () => host.thaw() };
};

const powerOff: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.powerOff();
  return { afterMs: random.between(500, 9_000), run: () => host.powerOn() };
};

const cable: Fault = (world, random) => {
  const host = anyHost(world, random);
  const side = anyPath(random);
  host.setCable(side, false);
  return { afterMs: random.between(5, 6_000), run: () => host.setCable(side, true) };
};

const deadPort: Fault = (world, random) => {
  const port = anyHost(world, random).ports[anyPath(random)];
  const way = random.pick(["both", "sends", "receives"]);
  if (way !== "receives") port.sends = false;
  if (way !== "sends") port.receives = false;
  world.log(`port ${port.mac}: dead (${way})`);
  return {
    afterMs: random.between(100, 6_000),
    run: () => {
      port.sends = true;
      port.receives = true;
      world.log(`port ${port.mac}: mended`);
    },
  };
};

const partition: Fault = (world, random) => {
  const paths = random.pick([["public"], ["private"], ["public", "private"]] as [PathName[], PathName[], PathName[]]);
  const oneWay = random.pick([undefined, undefined, "primary", "backup"] as const);
  for (const path of paths) world.cutBetween(path, true, oneWay);
  return {
    afterMs: random.between(50, 6_000),
    run: () => {
      for (const path of paths) world.cutBetween(path, false);
    },
  };
};

const noise: Fault = (world, random) => {
  const before = world.networks.public.conditions;
  world.setConditions({
    delayMs: random.between(0, 10),
    jitterMs: random.between(0, 30),
    loss: random.between(0, 0.3),
    duplication: random.between(0, 0.2),
  });
  world.log("noise begins");
  return { afterMs: random.between(500, 5_000), run: () => world.setConditions(before) };
};

/** One of the paths is busy: its heartbeats come late, those of the other one in time. */
const busyPath: Fault = (world, random) => {
  const network = world.networks[anyPath(random)];
  network.heartbeatDelayMs = random.between(1, 100);
  world.log(`heartbeats of one path come ${network.heartbeatDelayMs.toFixed(0)} ms late`);
  return {
    afterMs: random.between(500, 5_000),
    run: () => {
      network.heartbeatDelayMs = 0;
    },
  };
};

const slow: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.latenessMs = random.between(1, 80);
  host.workMs = random.between(3, 60);
  return {
    afterMs: random.between(500, 5_000),
    run: () => {
      host.latenessMs = 0.5;
      host.workMs = 3;
    },
  };
};

const lock: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.kernel.lockedUntilMs = world.clock.now + random.between(100, 5_000);
  world.log(`${host.router}: address lock held`);
  return undefined;
};

const byHand: Fault = (world, random) => {
  const host = anyHost(world, random);
  const sided = random.pick(world.settings.vips as [(typeof world.settings.vips)[number]]);
  host.removeByHand(sided.vip);
  return undefined;
};

/** Somebody replays what was recorded on either network, to anybody, across paths and after restarts. */
const replay: Fault = (world, random) => {
  const all = PATHS.flatMap((path) => world.networks[path].recorded);
  world.log("old heartbeats are replayed");
  for (let count = 0; count < 60; count += 1) {
    const frame = all[random.whole(0, all.length - 1)];
    const path = anyPath(random);
    const to = anyHost(world, random).ports[path].mac;
    world.clock.after(random.between(0, 500), () => {
      if (frame !== undefined) world.networks[path].inject(to, frame);
    });
  }
  return undefined;
};

const reload: Fault = (world, random) => {
  const host = anyHost(world, random);
  const settings = {
    ...host.settings,
    intervalMs: random.pick([100, 200]),
    failback: random.pick(["automatic", "manual"] as const),
  };
  host.command({ kind: "reload", settings });
  return undefined;
};

let lastCommand = 0;
const operator: Fault = (world, random) => {
  const host = anyHost(world, random);
  lastCommand += 1;
  const command = random.pick([
    { kind: "switch" },
    { kind: "switch" },
    { kind: "take", force: false },
    { kind: "hold" },
    { kind: "unhold" },
  ] as const);
  host.command({ kind: "operator", id: lastCommand, command });
  return undefined;
};

/** An operator drains a server, or says something else of one; both routers must know it in the end. */
const order: Fault = (world, random) => {
  const server = `10.0.0.${random.whole(11, 40)}:80`;
  const what = random.pick<ServerOrder>([
    { kind: "drain" },
    { kind: "drain" },
    { kind: "weight", weight: random.whole(0, 9) },
    { kind: "none" },
  ]);
  anyHost(world, random).order(server, what);
  return undefined;
};

const stopAndStart: Fault = (world, random) => {
  const host = anyHost(world, random);
  if (host.process?.frozen === true) return undefined;
  host.command({ kind: "stop" });
  return { afterMs: random.between(6_000, 9_000), run: () => host.start() };
};

/** No heartbeat is understood any more: another key, or a filter on either end. */
const deafness: Fault = (world, random) => {
  const what = random.pick(["keys", "coming", "leaving"] as const);
  if (what === "keys") world.setTwoKeys(true);
  else world.filterHeartbeats(what);
  return {
    afterMs: random.between(300, 12_000),
    run: () => {
      world.setTwoKeys(false);
      world.filterHeartbeats(undefined);
    },
  };
};

/** No frame passes at a router's ports for a moment. */
const blip: Fault = (world, random) => {
  const { router } = anyHost(world, random);
  world.setIsolated(router, true);
  return { afterMs: random.between(20, 2_000), run: () => world.setIsolated(router, false) };
};

const anySegment = (random: Random): Segment => random.pick(["public", "private", "third"]);

const thirdCable: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.setCable("third", false);
  return { afterMs: random.between(5, 6_000), run: () => host.setCable("third", true) };
};

const linkDown: Fault = (world, random) => {
  const host = anyHost(world, random);
  const segment = anySegment(random);
  host.setLink(segment, false);
  return { afterMs: random.between(5, 6_000), run: () => host.setLink(segment, true) };
};

const renamed: Fault = (world, random) => {
  const host = anyHost(world, random);
  const segment = anySegment(random);
  host.setRenamed(segment, true);
  return { afterMs: random.between(5, 6_000), run: () => host.setRenamed(segment, false) };
};

const interfaceGone: Fault = (world, random) => {
  const host = anyHost(world, random);
  const segment = anySegment(random);
  host.setInterface(segment, false);
  return { afterMs: random.between(5, 6_000), run: () => host.setInterface(segment, true) };
};

const ownAddress: Fault = (world, random) => {
  const host = anyHost(world, random);
  const side = anyPath(random);
  host.setOwnAddress(side, false);
  return { afterMs: random.between(50, 8_000), run: () => host.setOwnAddress(side, true) };
};

const route: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.setDefaultRoute(false);
  return { afterMs: random.between(50, 8_000), run: () => host.setDefaultRoute(true) };
};

const gate: Fault = (world, random) => {
  const host = anyHost(world, random);
  host.setGate("proxy", "failing");
  return { afterMs: random.between(50, 8_000), run: () => host.setGate("proxy", "passing") };
};

const hungThread: Fault = (world, random) => {
  anyHost(world, random).hangKernelThread(random.between(500, 12_000));
  return undefined;
};

const setByHand: Fault = (world, random) => {
  const host = anyHost(world, random);
  const sided = random.pick(world.settings.vips as [(typeof world.settings.vips)[number]]);
  if (host.role === "standby") host.setByHand(sided.vip);
  return undefined;
};

/** The kernel refuses one of the VIPs for a while. */
const refusal: Fault = (world, random) => {
  const { kernel, router } = anyHost(world, random);
  const sided = random.pick(world.settings.vips as [(typeof world.settings.vips)[number]]);
  kernel.refuses.add(sided.vip.prefix.address.text);
  world.log(`${router}: its kernel refuses ${sided.vip.prefix.address.text}`);
  return { afterMs: random.between(50, 6_000), run: () => kernel.refuses.clear() };
};

const tame = () => CALM;
const anyConditions = (random: Random): Conditions => ({
  delayMs: random.between(0.05, 3),
  jitterMs: random.between(0, 5),
  loss: random.pick([0, 0, 0.01, 0.1]),
  duplication: random.pick([0, 0.05]),
});

/** A VIP beside those of the two sides. */
const THIRD_VIP = vip("198.51.100.10/24", INTERFACES.third, "public");

/** A lease's length, its slack, and what it takes to notice. */
const AFTER_LEASE_MS = 3_000 + 1_100 + 300;

export const WEATHERS: readonly Weather[] = [
  {
    // An agreement whose answers are lost runs its whole time; two actives that meet again need a heartbeat or two.
    name: "network",
    faults: [cable, deadPort, partition, noise, operator, replay, busyPath, order],
    conditions: anyConditions,
    stormMs: 40_000,
    calmDownMs: 15_000,
    restMs: 60_000,
    twoOwnersMs: AGREEMENT_MS + 150,
    neglectedMs: 5_000,
  },
  {
    // A daemon that dies or freezes in the middle of a planned move leaves its addresses to their lease.
    name: "machines",
    faults: [kill, freeze, powerOff, operator, stopAndStart, byHand, replay, reload, order],
    conditions: tame,
    stormMs: 40_000,
    calmDownMs: 15_000,
    restMs: 60_000,
    twoOwnersMs: AFTER_LEASE_MS,
    // After a kernel that outlived its daemon each lease is waited for (rule 18), and who replays a heartbeat of a boot that
    // this router has never heard has it wait for another one.
    neglectedMs: 5_000 + AFTER_LEASE_MS,
  },
  {
    // A locked kernel cannot remove what its daemon gives up.
    name: "everything",
    faults: [
      kill,
      freeze,
      powerOff,
      cable,
      deadPort,
      partition,
      noise,
      slow,
      lock,
      byHand,
      operator,
      stopAndStart,
      replay,
      reload,
      busyPath,
      order,
    ],
    conditions: anyConditions,
    stormMs: 40_000,
    calmDownMs: 15_000,
    restMs: 60_000,
    twoOwnersMs: AFTER_LEASE_MS + 5_000,
    neglectedMs: 8_000,
  },
  {
    // A program has to move an address of the cloud with each takeover; it takes its time, and fails now and then.
    name: "cloud",
    faults: [kill, freeze, powerOff, cable, partition, operator, stopAndStart, replay],
    conditions: tame,
    settings: { takeoverStep: { limitMs: 1_500, onFailure: "abort" } },
    step: { ms: 1_500, failures: 0.1 },
    stormMs: 40_000,
    calmDownMs: 25_000,
    restMs: 60_000,
    // A move that nobody could verify, and the old owner frozen at its end.
    twoOwnersMs: AGREEMENT_MS + AFTER_LEASE_MS,
    neglectedMs: 16_000,
  },
  {
    // Routers that live and cannot serve.
    name: "fitness",
    faults: [
      cable,
      thirdCable,
      linkDown,
      renamed,
      interfaceGone,
      ownAddress,
      route,
      gate,
      deadPort,
      refusal,
      hungThread,
      setByHand,
      operator,
      kill,
      powerOff,
    ],
    conditions: tame,
    settings: { vips: [...SETTINGS.vips, THIRD_VIP] },
    stormMs: 40_000,
    // A refused VIP is tried again after ten seconds.
    calmDownMs: 25_000,
    restMs: 90_000,
    twoOwnersMs: AFTER_LEASE_MS,
    twoLiveOwnersMs: 1_000 + AGREEMENT_MS,
    unfitActiveMs: 3_000,
    neglectedMs: 8_000,
  },
  {
    // Routers that live and cannot read each other.
    name: "deaf",
    faults: [
      deafness,
      deafness,
      blip,
      blip,
      cable,
      deadPort,
      partition,
      kill,
      freeze,
      powerOff,
      noise,
      operator,
      setByHand,
    ],
    conditions: anyConditions,
    stormMs: 60_000,
    calmDownMs: 15_000,
    restMs: 60_000,
    twoOwnersMs: AFTER_LEASE_MS,
    twoLiveOwnersMs: 1_000 + AGREEMENT_MS,
    neglectedMs: 8_000,
  },
  {
    name: "fast",
    faults: [kill, freeze, powerOff, cable, deadPort, partition, byHand, operator],
    conditions: () => ({ delayMs: 0.05, jitterMs: 0.5, loss: 0, duplication: 0.01 }),
    settings: { intervalMs: 10, deadAfterMs: 30, leaseMs: 1_000, failbackStableMs: 2_000 },
    stormMs: 12_000,
    calmDownMs: 3_000,
    restMs: 6_000,
    // Two faults in a row: a partition ends while the lease of a killed daemon runs; the other one freezes, and its lease
    // runs as well when the first comes back and adopts. Each is within its bound.
    twoOwnersMs: 2 * (1_000 + 1_100 + 300),
    neglectedMs: 2_500,
  },
];

/** In the rest after a storm: one fail-back, and nothing else. */
const REST_TRANSITIONS = 2;

function storm(world: World, random: Random, weather: Weather): void {
  const pending: Mend[] = [];
  const endMs = world.clock.now + weather.stormMs;
  while (world.clock.now < endMs) {
    world.run(random.between(0, weather.stormMs / 10) * random.next());
    const mend = random.pick(weather.faults)(world, random);
    if (mend === undefined) continue;
    pending.push(mend);
    world.clock.after(mend.afterMs, () => {
      if (!pending.includes(mend)) return;
      pending.splice(pending.indexOf(mend), 1);
      mend.run();
    });
  }
  world.log("--- everything is mended");
  for (const mend of pending.splice(0)) mend.run();
  for (const host of ROUTERS.map((router) => world.hosts[router])) {
    host.thaw();
    host.powerOn();
    host.start();
    host.stepFailures = 0;
  }
  for (const path of PATHS) world.cutBetween(path, false);
  world.setTwoKeys(false);
  world.filterHeartbeats(undefined);
  world.setConditions(CALM);
}

/** Runs one storm and says what was wrong. */
export function runChaos(weather: Weather, seed: number, machine: Machine): Run {
  const random = new Random(seed);
  const checkers = new Checkers();
  const world = new World({
    random,
    machine,
    settings: {
      hasServices: random.chance(0.3),
      failback: random.pick(["automatic", "automatic", "manual"]),
      ...weather.settings,
    },
    conditions: weather.conditions(random),
    watcher: checkers.watcher,
    observe: (seen) => checkers.observe(seen),
  });
  // Where only machines fail, a network without neighbours must do as well.
  const askable = weather.name !== "machines" || random.chance(0.8);
  for (const router of ROUTERS) {
    world.hosts[router].askable = askable;
    world.hosts[router].stepMs = weather.step?.ms ?? 0;
    world.hosts[router].stepFailures = weather.step?.failures ?? 0;
    world.hosts[router].start();
    world.run(random.between(0, 2_000));
  }
  storm(world, random, weather);
  world.run(weather.calmDownMs);
  const problems = [...checkers.unsettled(world)];
  const calmMs = world.clock.now;
  world.run(weather.restMs);
  const now = world.clock.now;
  const changes = checkers.transitions.filter((change) => change.atMs > calmMs).length;
  if (changes > REST_TRANSITIONS) problems.push(`${changes} changes of role at rest`);
  const two = longestMs(checkers.twoOwners.after(0, now));
  if (two > weather.twoOwnersMs)
    problems.push(`two owners for ${two.toFixed(1)} ms, allowed are ${weather.twoOwnersMs}`);
  const live = longestMs(checkers.twoLiveOwners.after(0, now));
  if (live > (weather.twoLiveOwnersMs ?? Infinity)) problems.push(`two living owners for ${live.toFixed(1)} ms`);
  for (const router of ROUTERS) {
    const unfit = longestMs(checkers.unfitActive[router].after(0, now));
    if (unfit > (weather.unfitActiveMs ?? Infinity))
      problems.push(`${router} active and unfit for ${unfit.toFixed(1)} ms`);
    const longest = longestMs(checkers.neglected[router].after(0, now));
    if (longest > weather.neglectedMs)
      problems.push(`no owner for ${longest.toFixed(1)} ms, and ${router} was healthy`);
  }
  problems.push(
    ...checkers.problems,
    ...checkers.flapping(),
    ...checkers.unannounced(world),
    ...checkers.unsettled(world),
    ...checkers.unshared(world),
  );
  // By the refresh each minute also the neighbour that missed every announcement has learnt it.
  if (weather.calmDownMs + weather.restMs > ANNOUNCE_REFRESH_MS && !isServed(world))
    problems.push("at the end a neighbour is not served");
  return { problems: [...new Set(problems)], lines: world.lines };
}
