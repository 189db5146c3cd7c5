/** One row, one product, one time: what the kernels, a probe at 1 kHz and connections through the routers notice. */
import { writeFileSync } from "node:fs";
import { HeldConnections } from "../../lab/parts/held-connections.ts";
import { OwnerSampler } from "../../lab/parts/owner-sampler.ts";
import { RealServer } from "../../lab/parts/real-server.ts";
import { Watcher } from "../../lab/parts/watcher.ts";
import { PRIVATE_VIP, PUBLIC_VIP, ROUTERS, type RouterName, serverAddress, Topology } from "../../lab/topology.ts";
import { type Product, prepareContender, type Setting } from "./contender.ts";
import type { BenchRow, Trial } from "./rows.ts";

export interface TrialResult {
  readonly row: string;
  readonly product: Product;
  readonly setting: Setting;
  readonly longestGapMs: number;
  readonly probePauseMs: number;
  readonly lost: number;
  readonly twoOwnersMs: number;
  /** Both still have a VIP when the row is over. */
  readonly stillTwo: boolean;
  readonly connections: number;
  readonly connectionsLost: number;
}

const VIPS = [PUBLIC_VIP, PRIVATE_VIP];
const ECHO = { address: PUBLIC_VIP, port: 7 };
const CONNECTIONS = 20;
const START_LIMIT_MS = 15_000;
/** The other router has to have heard of the first. */
const SETTLE_MS = 1500;
const QUIET_BEFORE_MS = 300;
const AFTERWARDS_MS = 1500;
const ANSWERED_LIMIT_MS = 3000;

/** The routers route between their sides; the client's way to the real servers is the VIP, and back the other one. */
function routeThroughPair(topology: Topology): void {
  for (const { name } of ROUTERS) topology.on(name, () => writeFileSync("/proc/sys/net/ipv4/ip_forward", "1"));
  topology.run("client", ["ip", "route", "add", "10.0.0.0/24", "via", PUBLIC_VIP]);
}

export async function runTrial(row: BenchRow, product: Product, setting: Setting): Promise<TrialResult> {
  using topology = Topology.create({ servers: 1 });
  routeThroughPair(topology);
  using _server = await RealServer.start(topology, "web1");
  await using watcher = await Watcher.start(topology, {
    targets: [ECHO],
    echo: true,
    probeEveryMs: 1,
    vips: VIPS,
    lookEveryMs: 1,
  });
  await using contender = await prepareContender(topology, product, { setting, failback: row.failback === true });
  using owners = OwnerSampler.start(topology, VIPS, 20);
  const owned = (by: RouterName, limitMs: number) =>
    owners.awaitOwner(by, limitMs).then(
      () => true,
      () => false,
    );
  const trial: Trial = { topology, contender, owned };
  contender.start("lvs1");
  if (!(await owned("lvs1", START_LIMIT_MS))) throw new Error(`${product} does not start`);
  contender.start("lvs2");
  await Bun.sleep(SETTLE_MS);
  await row.before?.(trial);
  using held = await HeldConnections.open(topology, { address: serverAddress("web1"), port: 80 }, CONNECTIONS);
  await watcher.begin();
  if (!(await watcher.answered(ANSWERED_LIMIT_MS))) throw new Error(`${product} is not reached by the client`);
  await Bun.sleep(QUIET_BEFORE_MS);
  await row.act(trial);
  await watcher.answered(ANSWERED_LIMIT_MS);
  await Bun.sleep(AFTERWARDS_MS);
  const { gap, owners: seen } = await watcher.end();
  const { opened, broken, stalled } = held.report();
  return {
    row: row.name,
    product,
    setting,
    longestGapMs: gap.longestGapMs,
    probePauseMs: gap.longestPauseMs,
    lost: gap.lost,
    twoOwnersMs: Math.max(...Object.values(seen.twoOwnersMs)),
    stillTwo: VIPS.some((vip) => seen.changes[vip]?.at(-1)?.owners.length === 2),
    connections: opened,
    connectionsLost: broken + stalled,
  };
}
