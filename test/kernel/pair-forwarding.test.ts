/** Direct routing: the real servers answer the client themselves, from the VIP on their loopback. */
import { beforeAll, describe, expect, test } from "bun:test";
import { PATIENT_CHECK, PATIENT_PAIR, pairConfig, serviceText } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { spreadRequests } from "../lab/parts/requests.ts";
import { PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

beforeAll(requireLab);

describe("a service with direct routing", () => {
  test("is balanced before and after a takeover", async () => {
    const servers = ["direct1", "direct2"].map((name) => ({ address: `${serverAddress(name)}:80`, forward: "direct" }));
    const listen = `tcp://${PUBLIC_VIP}:80`;
    const web = serviceText({ name: "web", listen, scheduler: "rr", servers, check: PATIENT_CHECK });
    await using lab = await PairLab.start(pairConfig({ pair: PATIENT_PAIR, services: [web] }), {
      servers: 0,
      directServers: 2,
    });
    const target = { address: PUBLIC_VIP, port: 80 };
    const even = { perServer: { direct1: 10, direct2: 10 }, failed: 0 };
    expect(await spreadRequests(lab.topology, target, { count: 20 })).toEqual(even);
    // With direct routing the answers don't come by the router: it sees the client's half only.
    expect(lab.topology.run("lvs1", ["ipvsadm", "-Ln"])).toContain("Route");

    using owners = lab.sampleOwners();
    expect((await lab.pair.router("lvs1").tandem("failover", "switch")).exitCode).toBe(0);
    await owners.awaitOwner("lvs2", 60_000);
    expect(await spreadRequests(lab.topology, target, { count: 20 })).toEqual(even);
  });
});
