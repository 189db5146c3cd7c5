/** What happens to the VIPs and to the clients when a router fails, in the lab, judged by the routers' kernels. */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { HeldConnections } from "../lab/parts/held-connections.ts";
import { PATIENT_CHECK, PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { spreadRequests } from "../lab/parts/requests.ts";
import { PRIVATE_VIP, PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

const WEB = { address: PUBLIC_VIP, port: 80 };
const SERVERS = ["web1", "web2", "web3"];
const CONFIG = pairConfig({
  pair: PATIENT_PAIR,
  services: [
    serviceText({
      name: "web",
      listen: "tcp://203.0.113.10:80",
      scheduler: "rr",
      servers: SERVERS.map((name) => ({ address: `${serverAddress(name)}:80` })),
      check: PATIENT_CHECK,
    }),
  ],
});
const NEVER = { [PUBLIC_VIP]: 0, [PRIVATE_VIP]: 0 };
/** A lease of 6 s, what the kernel adds to it, and a slow CPU. */
const TAKEOVER_LIMIT_MS = 60_000;

async function servedByAll(lab: PairLab): Promise<void> {
  const spread = await spreadRequests(lab.topology, WEB, { count: 30 });
  expect(spread).toEqual({ perServer: { web1: 10, web2: 10, web3: 10 }, failed: 0 });
}

/**
 * The kernel tells the other router of the youngest connection after two seconds, if no other one follows
 * (net/netfilter/ipvs/ip_vs_sync.c, IPVS_SYNC_SEND_DELAY and its buffer): these have spoken for three.
 */
async function openConnections(lab: PairLab, count: number): Promise<HeldConnections> {
  const held = await HeldConnections.open(lab.topology, WEB, count);
  await lab.until("every connection has been answered for three seconds", TAKEOVER_LIMIT_MS, () =>
    held.haveAnswers(30),
  );
  return held;
}

describe("when the active router", () => {
  let lab: PairLab;
  beforeEach(async () => {
    lab = await PairLab.start(CONFIG);
  });

  test("is killed, the other takes over, and never do both have a VIP", async () => {
    await using _ = lab;
    using owners = lab.sampleOwners();
    lab.pair.router("lvs1").signal("SIGKILL");
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    expect(owners.report().twoOwnersMs).toEqual(NEVER);
    await servedByAll(lab);

    lab.pair.router("lvs1").start();
    await lab.awaitRole("lvs1", "standby");
    expect(owners.owners(PUBLIC_VIP)).toEqual(["lvs2"]);
    expect(owners.report().twoOwnersMs).toEqual(NEVER);
  });

  test("hangs, the other takes over, and nothing happens when it wakes up", async () => {
    await using _ = lab;
    using owners = lab.sampleOwners();
    lab.pair.router("lvs1").signal("SIGSTOP");
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    await servedByAll(lab);

    lab.pair.router("lvs1").signal("SIGCONT");
    await lab.awaitRole("lvs1", "standby");
    expect(owners.owners(PUBLIC_VIP)).toEqual(["lvs2"]);
    expect(owners.report().twoOwnersMs).toEqual(NEVER);
  });

  test("loses both cables, the other takes over, and nothing happens when they are back", async () => {
    await using _ = lab;
    {
      // Who has what while neither can reach the other is nobody's concern.
      using cutOff = lab.sampleOwners();
      lab.topology.unplugAll("lvs1");
      await cutOff.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
      await servedByAll(lab);
    }
    using owners = lab.sampleOwners();
    lab.topology.plugAll("lvs1");
    await lab.awaitRole("lvs1", "standby");
    expect(owners.owners(PUBLIC_VIP)).toEqual(["lvs2"]);
    expect(owners.report().twoOwnersMs).toEqual(NEVER);
  });

  test("loses its public cable, it hands over by the private path before its lease ends", async () => {
    await using _ = lab;
    using owners = lab.sampleOwners();
    lab.topology.unplug("lvs1", "eth0");
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    await servedByAll(lab);
    expect((await lab.pair.router("lvs2").status())?.transitions[0]).toMatchObject({ from: "standby", to: "active" });
  });

  test("is told to stop, it hands over and ends", async () => {
    await using _ = lab;
    using held = await openConnections(lab, 20);
    using owners = lab.sampleOwners();
    lab.pair.router("lvs1").signal("SIGTERM");
    expect(await lab.pair.router("lvs1").awaitEnd(TAKEOVER_LIMIT_MS)).toBe(0);
    expect(owners.owners(PUBLIC_VIP)).toEqual(["lvs2"]);
    expect(owners.owners(PRIVATE_VIP)).toEqual(["lvs2"]);
    await servedByAll(lab);
    const { opened, broken, reasons } = held.report();
    expect({ opened, broken, reasons }).toEqual({ opened: 20, broken: 0, reasons: [] });
  });
});

describe("tandem failover switch", () => {
  test("moves the VIPs there and back, and 50 open connections live on", async () => {
    await using lab = await PairLab.start(CONFIG);
    using held = await openConnections(lab, 50);
    using owners = lab.sampleOwners();
    for (const [from, to] of [
      ["lvs1", "lvs2"],
      ["lvs2", "lvs1"],
    ] as const) {
      const switched = await lab.pair.router(from).tandem("failover", "switch");
      expect(switched).toMatchObject({ exitCode: 0 });
      await owners.awaitOwner(to, TAKEOVER_LIMIT_MS);
    }
    // A connection that was silent for a while is not broken yet: TCP sends again.
    await lab.until("each connection has answered since", TAKEOVER_LIMIT_MS, () => held.report().stalled === 0);
    const { opened, broken, reasons } = held.report();
    expect({ opened, broken, reasons }).toEqual({ opened: 50, broken: 0, reasons: [] });
    // The agreement between the routers runs out after a second: no overlap can last longer.
    const { twoOwnersMs, longestPauseMs } = owners.report();
    for (const overlapMs of Object.values(twoOwnersMs)) expect(overlapMs).toBeLessThan(1000 + 2 * longestPauseMs);
  });
});
