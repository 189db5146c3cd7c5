/** Connections that the standby's kernel could not have learned by itself are there before the VIPs move (rule 10). */
import { beforeAll, expect, test } from "bun:test";
import { isMemory } from "../../src/daemon/sync/sync-services.ts";
import { connectionName, connectionsOf, fillConnections, forgetConnections } from "../lab/parts/connection-table.ts";
import { HeldConnections } from "../lab/parts/held-connections.ts";
import { PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { QuietConnections } from "../lab/parts/quiet-connections.ts";
import { PUBLIC_VIP, type RouterName, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const SERVERS = ["web1", "web2", "web3"];
const WEB = { address: PUBLIC_VIP, port: 80 };
const SHOP = { address: PUBLIC_VIP, port: 81 };

const CONFIG = pairConfig({
  pair: ['failback_after = "1s"', ...PATIENT_PAIR],
  services: [
    serviceText({
      name: "web",
      listen: "tcp://203.0.113.10:80",
      scheduler: "rr",
      servers: SERVERS.map((name) => ({ address: `${serverAddress(name)}:80` })),
    }),
    serviceText({
      name: "shop",
      listen: "tcp://203.0.113.10:81",
      scheduler: "rr",
      servers: SERVERS.map((name) => ({ address: `${serverAddress(name)}:80` })),
    }).replace("scheduler = ", 'persistence = "10m"\nscheduler = '),
  ],
});
/** A lease of 6 s, what the kernel adds to it, the role's return, and a slow CPU. */
const MOVE_LIMIT_MS = 60_000;

function names(lab: PairLab, router: RouterName): string[] {
  return connectionsOf(lab.topology, router).map(connectionName).sort();
}

test("every open connection survives the return of a router that has lost its table, idle ones and a client's server too", async () => {
  await using lab = await PairLab.start(CONFIG);
  using talking = await HeldConnections.open(lab.topology, WEB, 30);
  using idle = await QuietConnections.open(lab.topology, WEB, 10);
  using shopping = await QuietConnections.open(lab.topology, SHOP, 10);
  expect(new Set(shopping.servers).size).toBe(1);

  await lab.pair.router("lvs1").end();
  const second = lab.pair.router("lvs2");
  await lab.until("lvs2 active", MOVE_LIMIT_MS, async () => (await second.status())?.router.role === "active");
  forgetConnections(lab.topology, "lvs1");
  await lab.until("lvs1 has forgotten them", MOVE_LIMIT_MS, () => names(lab, "lvs1").length === 0);

  lab.pair.router("lvs1").start();
  await lab.awaitRole("lvs1", "active", 2 * MOVE_LIMIT_MS);
  expect((await second.status())?.transitions[0]).toMatchObject({
    to: "standby",
    why: "handed over to the peer: the primary had been ready for long enough",
  });
  expect([await idle.ask(), await shopping.ask()]).toEqual([10, 10]);
  await lab.until("each connection has answered since", MOVE_LIMIT_MS, () => talking.report().stalled === 0);
  const { opened, broken, reasons } = talking.report();
  expect({ opened, broken, reasons }).toEqual({ opened: 30, broken: 0, reasons: [] });
  const memories = connectionsOf(lab.topology, "lvs1").filter(isMemory);
  expect(memories.map(({ virtual }) => virtual.port)).toEqual([81]);
  using another = await QuietConnections.open(lab.topology, SHOP, 1);
  expect(another.servers).toEqual(shopping.servers.slice(0, 1));
}, 300_000);

test("failover switch waits until a standby that has just come knows 2,000 connections, and says so", async () => {
  await using lab = await PairLab.prepare(CONFIG);
  const [first, second] = lab.pair.routers;
  first.start();
  await lab.until("lvs1 active", MOVE_LIMIT_MS, async () => (await first.status())?.router.role === "active");
  const fill = { from: "web3", interface: "eth0", virtual: WEB, server: { address: serverAddress("web1"), port: 80 } };
  await lab.until("lvs1's kernel learns", MOVE_LIMIT_MS, async () => {
    await fillConnections(lab.topology, { ...fill, count: 2_000 });
    return names(lab, "lvs1").length === 2_000;
  });

  second.start();
  await lab.awaitRole("lvs2", "standby", MOVE_LIMIT_MS);
  const switched = await first.tandem("failover", "switch");
  expect(switched.stdout + switched.stderr).toContain("before that it waited");
  expect(switched.exitCode).toBe(0);
  expect(names(lab, "lvs2")).toEqual(names(lab, "lvs1"));
  const history = await first.tandem("failover", "history");
  expect(history.stdout).toMatch(/waited \d+ ms: the connections have to be known there/);
  const known = /the peer knows (\d+) of 2000 connections/.exec(history.stdout)?.[1];
  // Rule 10: 99 % have to be known when it is asked; what came too late for that is told before the offer.
  expect(Number(known)).toBeGreaterThanOrEqual(0.99 * 2_000);
}, 300_000);
