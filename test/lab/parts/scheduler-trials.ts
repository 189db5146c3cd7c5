/**
 * What each of the eight schedulers promises, and a trial that shows it from the client's side: who answers?
 * One service per scheduler, told apart by the port.
 */
import { CORE_SCHEDULERS } from "../../../src/model/scheduler.ts";
import { CLIENT, PUBLIC_VIP, serverAddress, type Topology } from "../topology.ts";
import { HeldConnections } from "./held-connections.ts";
import { serviceText } from "./pair-config.ts";
import { request, spreadRequests } from "./requests.ts";

type CoreScheduler = (typeof CORE_SCHEDULERS)[number];

export interface TrialResult {
  /** Requests, or open connections, of each real server. */
  readonly perServer: Readonly<Record<string, number>>;
  readonly kept: boolean;
}

export interface SchedulerTrial {
  readonly scheduler: CoreScheduler;
  readonly weights: readonly number[];
  /** Under 40 characters. */
  readonly promise: string;
  readonly run: (lab: TrialLab) => Promise<TrialResult>;
}

export interface TrialLab {
  readonly topology: Topology;
  readonly port: number;
}

/** Besides the VIP itself: destinations for the scheduler that looks at them. */
export const EXTRA_VIPS = ["203.0.113.11", "203.0.113.12", "203.0.113.13", "203.0.113.14"] as const;
/** Sources for the scheduler that looks at them; the topology must have as many `clientAddresses`. */
export const EXTRA_SOURCES = ["203.0.113.101", "203.0.113.102", "203.0.113.103", "203.0.113.104"] as const;

const FIRST_PORT = 8001;
const SERVERS = ["web1", "web2", "web3"] as const;
const EQUAL = [1, 1, 1];
const UNEQUAL = [3, 2, 1];
/** Enough that a few requests are no overload for lblc and lblcr, which compare the connections with the weight. */
const ROOMY = [8, 8, 8];

/** A multiple of the sum of both kinds of weights, so that round robin comes out even. */
const REQUESTS = 30;

export const SCHEDULER_TRIALS: readonly SchedulerTrial[] = [
  { scheduler: "rr", weights: EQUAL, promise: "one after the other", run: (lab) => inTurn(lab, EQUAL) },
  { scheduler: "wrr", weights: UNEQUAL, promise: "in turn, by weight 3:2:1", run: (lab) => inTurn(lab, UNEQUAL) },
  { scheduler: "lc", weights: EQUAL, promise: "the fewest open connections first", run: evenOut },
  { scheduler: "wlc", weights: UNEQUAL, promise: "open connections by weight 3:2:1", run: byWeight },
  { scheduler: "lblc", weights: ROOMY, promise: "one address, one server until too busy", run: overflow },
  { scheduler: "lblcr", weights: ROOMY, promise: "one address, a set that grows when busy", run: overflow },
  { scheduler: "dh", weights: EQUAL, promise: "each address always by one server", run: byDestination },
  { scheduler: "sh", weights: EQUAL, promise: "each client always to one server", run: bySource },
];

export function trialPort(scheduler: CoreScheduler): number {
  return FIRST_PORT + CORE_SCHEDULERS.indexOf(scheduler);
}

/** A `[[service]]` for each trial. */
export function trialServices(check: readonly string[]): string[] {
  return SCHEDULER_TRIALS.map(({ scheduler, weights }) => {
    const addresses = scheduler === "dh" ? [PUBLIC_VIP, ...EXTRA_VIPS] : [PUBLIC_VIP];
    return serviceText({
      name: scheduler,
      listen: addresses.map((address) => `tcp://${address}:${trialPort(scheduler)}`),
      scheduler,
      servers: SERVERS.map((name, index) => ({ address: `${serverAddress(name)}:80`, weight: weights[index] ?? 1 })),
      check,
    });
  });
}

/** Runs one trial through whichever router is active. */
export function runTrial(trial: SchedulerTrial, topology: Topology): Promise<TrialResult> {
  return trial.run({ topology, port: trialPort(trial.scheduler) });
}

function counts(perServer: Readonly<Record<string, number>>): number[] {
  return SERVERS.map((name) => perServer[name] ?? 0);
}

async function inTurn({ topology, port }: TrialLab, weights: readonly number[]): Promise<TrialResult> {
  const { perServer } = await spreadRequests(topology, { address: PUBLIC_VIP, port }, { count: REQUESTS });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const expected = weights.map((weight) => (REQUESTS * weight) / sum);
  return { perServer, kept: counts(perServer).join() === expected.join() };
}

/** web1 keeps six connections, the others lose theirs: all new ones must go to the others until all have six. */
async function evenOut({ topology, port }: TrialLab): Promise<TrialResult> {
  const target = { address: PUBLIC_VIP, port };
  using held = await HeldConnections.open(topology, target, 18);
  held.closeOf("web2");
  held.closeOf("web3");
  await request(topology, target);
  await held.openMore(topology, target, 12);
  const { perServer } = held.report();
  return { perServer, kept: counts(perServer).join() === "6,6,6" };
}

async function byWeight({ topology, port }: TrialLab): Promise<TrialResult> {
  using held = await HeldConnections.open(topology, { address: PUBLIC_VIP, port }, REQUESTS);
  const { perServer } = held.report();
  // At each moment the next connection goes where it fits best, so that the end may be off by one.
  const expected = [15, 10, 5];
  const near = counts(perServer).every((count, index) => Math.abs(count - (expected[index] ?? 0)) <= 1);
  return { perServer, kept: near };
}

/** Few at a time stay with one server; more than its weight at once makes it give some away. */
async function overflow({ topology, port }: TrialLab): Promise<TrialResult> {
  const target = { address: PUBLIC_VIP, port };
  const { perServer: calm } = await spreadRequests(topology, target, { count: 6 });
  const one = counts(calm).filter((count) => count > 0).length === 1;
  using held = await HeldConnections.open(topology, target, 12);
  const { perServer } = held.report();
  const several = counts(perServer).filter((count) => count > 0).length > 1;
  return { perServer, kept: one && several };
}

async function byDestination({ topology, port }: TrialLab): Promise<TrialResult> {
  const targets = [PUBLIC_VIP, ...EXTRA_VIPS].map((address) => ({ address, port }));
  return sameAgain(targets.map((target) => () => request(topology, target)));
}

async function bySource({ topology, port }: TrialLab): Promise<TrialResult> {
  const target = { address: PUBLIC_VIP, port };
  return sameAgain([CLIENT, ...EXTRA_SOURCES].map((from) => () => request(topology, target, { from })));
}

/** Asks in each of the ways four times: each must find its server again, and not all of them the same one. */
async function sameAgain(ways: readonly (() => ReturnType<typeof request>)[]): Promise<TrialResult> {
  const perServer: Record<string, number> = {};
  const found = ways.map(() => new Set<string>());
  for (let round = 0; round < 4; round++) {
    for (const [index, ask] of ways.entries()) {
      const outcome = await ask();
      const server = outcome.kind === "answered" ? outcome.server : outcome.reason;
      perServer[server] = (perServer[server] ?? 0) + 1;
      found[index]?.add(server);
    }
  }
  const spread = Object.keys(perServer).length > 1 && Object.keys(perServer).every((name) => name.startsWith("web"));
  return { perServer, kept: found.every((servers) => servers.size === 1) && spread };
}
