/** A pair without any service, in plain namespaces of a kernel that needs no IPVS: it only moves VIPs. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { GapProbe } from "../lab/parts/gap-probe.ts";
import type { OwnerSampler } from "../lab/parts/owner-sampler.ts";
import { pairConfig } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { VipEcho } from "../lab/parts/vip-echo.ts";
import { PRIVATE_VIP, PUBLIC_VIP } from "../lab/topology.ts";
import { requireLab } from "../support/lab.ts";

const ECHO = { address: PUBLIC_VIP, port: 7 };
const NEVER = { [PUBLIC_VIP]: 0, [PRIVATE_VIP]: 0 };
/** A lease of 3 s and what the kernel adds to it. */
const TAKEOVER_LIMIT_MS = 10_000;
/** Design, section 9: how long both may have a VIP in a planned move. */
const OVERLAP_LIMIT_MS = 20;

let lab: PairLab;
let echo: VipEcho;
let owners: OwnerSampler;

beforeAll(requireLab);

beforeEach(async () => {
  lab = await PairLab.start(pairConfig(), { servers: 1 });
  echo = await VipEcho.start(lab.topology, ECHO.address, ECHO.port);
  owners = lab.sampleOwners(1);
});

afterEach(async () => {
  owners[Symbol.dispose]();
  echo[Symbol.dispose]();
  await lab[Symbol.asyncDispose]();
});

describe("a pair that only moves VIPs", () => {
  test("moves them by command: no datagram is lost, and both have them for 20 ms at most", async () => {
    const probe = await GapProbe.start(lab.topology, ECHO);
    const switched = await lab.pair.router("lvs1").tandem("failover", "switch");
    expect(switched).toMatchObject({ exitCode: 0 });
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    const { lost } = await probe.stop();
    const { twoOwnersMs, noOwnerMs, longestPauseMs } = owners.report();
    expect(lost).toBe(0);
    expect(noOwnerMs).toEqual(NEVER);
    // The sampler counts the whole time between two looks, so its own pause comes on top.
    for (const ms of Object.values(twoOwnersMs)) expect(ms).toBeLessThan(OVERLAP_LIMIT_MS + longestPauseMs);
  });

  test.each([
    ["is killed", "SIGKILL"],
    ["hangs", "SIGSTOP"],
  ] as const)("takes them over when the active router %s, and never do both have one", async (_what, signal) => {
    lab.pair.router("lvs1").signal(signal);
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    expect(owners.report().twoOwnersMs).toEqual(NEVER);
  });

  test("takes them over when the active router loses both cables", async () => {
    lab.topology.unplugAll("lvs1");
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    expect(owners.report().twoOwnersMs).toEqual(NEVER);
  });

  test("moves them when the active router's public side is blind though it has carrier", async () => {
    lab.topology.silence("lvs1", "eth0");
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    expect((await lab.pair.router("lvs2").status())?.router.role).toBe("active");
  });

  test("keeps them where they are when one path is lost", async () => {
    lab.topology.unplug("lvs2", "eth1");
    await lab.until("the private path is down", TAKEOVER_LIMIT_MS, async () => {
      const status = await lab.pair.router("lvs1").status();
      return status?.paths.some((path) => path.path === "private" && !path.up) === true;
    });
    const { changes, noOwnerMs, twoOwnersMs } = owners.report();
    expect({ noOwnerMs, twoOwnersMs }).toEqual({ noOwnerMs: NEVER, twoOwnersMs: NEVER });
    expect(changes[PUBLIC_VIP]?.map((change) => change.owners)).toEqual([["lvs1"]]);
  });

  test("gives them back to the primary by itself when that has been stable for 30 s", async () => {
    lab.pair.router("lvs1").signal("SIGKILL");
    await owners.awaitOwner("lvs2", TAKEOVER_LIMIT_MS);
    lab.pair.router("lvs1").start();
    await lab.awaitRole("lvs1", "standby");
    const backAtMs = performance.now();
    const movedAtMs = await owners.awaitOwner("lvs1", 45_000);
    expect(movedAtMs - backAtMs).toBeGreaterThan(28_000);
    expect(movedAtMs - backAtMs).toBeLessThan(35_000);
  });
});

describe("two routers that start at the same moment", () => {
  test("never both have a VIP", async () => {
    await lab.pair.routers[0].end();
    await lab.pair.routers[1].end();
    await lab.until("no router has a VIP", TAKEOVER_LIMIT_MS, () => owners.owners(PUBLIC_VIP).length === 0);
    for (const router of lab.pair.routers) router.start();
    await lab.until("one is active", TAKEOVER_LIMIT_MS, () => owners.owners(PUBLIC_VIP).length > 0);
    await lab.awaitRole(owners.owners(PUBLIC_VIP)[0] ?? "lvs1", "active");
    expect(owners.report().twoOwnersMs).toEqual(NEVER);
  });
});
