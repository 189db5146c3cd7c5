import { describe, expect, test } from "bun:test";
import type { RemoveResult } from "../../../../src/failover/machine/failover-input.ts";
import { formatVip, type Vip } from "../../../../src/model/vip.ts";
import { vip } from "../../../simulation/world.ts";
import { PRIVATE_VIP, PUBLIC_VIP, TestRouter } from "../../../support/failover.ts";

/** A VIP of no configuration. */
const STRANGER = vip("203.0.113.99/24", "eth0", "public").vip;

function active(): TestRouter {
  const router = new TestRouter();
  router.becomeActive();
  return router;
}

/** Advances to the next renewal and lets the kernel say what it made of it. */
function renew(router: TestRouter, result: "created" | "renewed" | "failed"): void {
  untilRenewal(router);
  router.leased(result);
}

function untilRenewal(router: TestRouter): void {
  const before = router.all("lease").length;
  for (let round = 0; round < 50 && router.all("lease").length === before; round += 1) router.hearFor(100);
  expect(router.all("lease").length).toBe(before + 1);
}

describe("a lease", () => {
  test("is asked for in one batch, private VIPs first, and after the balancing was set", () => {
    const router = new TestRouter();
    router.boot().meet();
    const kinds = router.effects.filter((effect) => effect.kind === "set-balancing" || effect.kind === "lease");
    expect(kinds.map((effect) => (effect.kind === "lease" ? effect.vips.map(formatVip) : effect))).toEqual([
      { kind: "set-balancing", role: "standby" },
      { kind: "set-balancing", role: "active" },
      ["10.0.0.1/24 on eth1", "203.0.113.10/24 on eth0"],
    ]);
  });

  test("makes the router active when all VIPs were created", () => {
    expect(active().state.phase.kind).toBe("active");
  });

  test("that failed for one VIP does not take the others with it", () => {
    const router = new TestRouter();
    router.boot().meet();
    const lease = router.last("lease");
    router.feed({
      kind: "lease-outcome",
      batch: lease?.batch ?? 0,
      results: [
        { vip: PRIVATE_VIP, result: "created" },
        { vip: PUBLIC_VIP, result: "failed", error: "no such device (ENODEV)" },
      ],
    });
    expect({
      phase: router.state.phase.kind,
      removed: router.last("remove")?.vips.map(formatVip),
      told: router.all("notice").map(({ text }) => text),
      announced: router.last("announce")?.vips.map(formatVip),
    }).toEqual({
      phase: "active",
      removed: ["203.0.113.10/24 on eth0"],
      told: expect.arrayContaining(["cannot lease 203.0.113.10/24 on eth0: no such device (ENODEV)"]),
      announced: ["10.0.0.1/24 on eth1"],
    });
  });

  test("that failed for all VIPs is none", () => {
    const router = new TestRouter();
    router.boot().meet();
    router.leased("failed");
    expect([router.state.phase.kind, router.state.retryTakeAtMs !== undefined]).toEqual(["standby", true]);
  });

  test("is renewed each third of its length, one renewal at a time", () => {
    const router = active();
    const before = router.all("lease").length;
    router.hearFor(2_500);
    // The kernel has not answered the first one.
    expect(router.all("lease").length - before).toBe(1);
    router.leased("renewed");
    router.hearFor(100);
    expect(router.all("lease").length - before).toBe(2);
  });

  test("that was created again within its length was removed by somebody: it stays, counted", () => {
    const router = active();
    renew(router, "created");
    expect({ phase: router.state.phase.kind, counted: router.state.addresses.guardedAtMs.length }).toEqual({
      phase: "active",
      counted: 1,
    });
  });

  test("that was created again after its length was lost: dropped at once", () => {
    const router = active();
    untilRenewal(router);
    router.hearFor(3_000);
    const effects = router.leased("created");
    expect({
      phase: router.state.phase.kind,
      // Before anything else but the log's line.
      first: effects.find((effect) => effect.kind !== "notice")?.kind,
      reason: router.last("record")?.transition.reason,
    }).toEqual({ phase: "standby", first: "remove", reason: "lease-lost" });
  });

  test("whose renewal waits for the kernel's lock is kept, since the lock keeps the address as well", () => {
    const router = active();
    const before = router.all("lease").length;
    untilRenewal(router);
    router.hearFor(5_000);
    router.leased("renewed");
    router.hearFor(100);
    expect({ phase: router.state.phase.kind, leases: router.all("lease").length - before }).toEqual({
      phase: "active",
      leases: 2,
    });
  });

  test("whose end the kernel reports is lost, although its renewal waits", () => {
    const router = active();
    router.hearFor(4_500);
    router.feed({ kind: "address-removed", vip: PUBLIC_VIP });
    expect([router.state.phase.kind, router.last("record")?.transition.reason]).toEqual(["standby", "lease-lost"]);
  });

  test("that was slept over is given up without another word to the kernel", () => {
    const router = active();
    router.nowMs += 3_500;
    const effects = router.feed();
    expect(router.all("lease", effects)).toEqual([]);
    expect([router.state.phase.kind, router.last("record")?.transition.reason]).toEqual(["standby", "lease-lost"]);
  });

  test("that the kernel refuses to renew is tried again sooner, and given up at its end", () => {
    const router = active();
    for (let round = 0; router.state.phase.kind === "active" && round < 20; round += 1) renew(router, "failed");
    const { confirmedAtMs } = router.state.addresses;
    expect([router.state.phase.kind, confirmedAtMs, router.last("record")?.transition.reason]).toEqual([
      "standby",
      undefined,
      "lease-failed",
    ]);
  });
});

describe("a VIP", () => {
  test("that somebody removed while its renewal was under way is leased again at once", () => {
    const router = active();
    untilRenewal(router);
    router.feed({ kind: "address-removed", vip: PUBLIC_VIP });
    const before = router.all("lease").length;
    router.leased("renewed");
    expect(router.all("lease").length - before).toBe(1);
    // Once: the next one is not due before its time.
    router.leased("created");
    router.hearFor(500);
    expect(router.all("lease").length - before).toBe(1);
  });

  test("that a reload added while the VIPs were being taken is leased as soon as they are", () => {
    const router = new TestRouter();
    const { vips } = router.state.settings;
    router.boot().meet();
    const added = vip("198.51.100.10/24", "eth0", "public");
    router.feed({ kind: "reload", settings: { ...router.state.settings, vips: [...vips, added] } });
    router.leased("created");
    expect(router.last("lease")?.vips.map(formatVip)).toContain(formatVip(added.vip));
  });
});

describe("a reload that lengthens the lease", () => {
  test("does not lengthen the one that the kernel has", () => {
    const router = active();
    router.feed({ kind: "reload", settings: { ...router.state.settings, leaseMs: 60_000 } });
    router.nowMs += 3_500;
    router.leased("created");
    expect([router.state.phase.kind, router.last("record")?.transition.reason]).toEqual(["standby", "lease-lost"]);
  });
});

describe("a removal", () => {
  test("keeps the router `holding` until the kernel has confirmed it", () => {
    const router = active();
    router.feed({ kind: "operator", id: 1, command: { kind: "release" } });
    router.hear({ role: "active", term: 9, lastActiveTerm: 9 });
    const before = router.last("send-heartbeat")?.heartbeat.payload.holding;
    router.removed();
    expect([before, router.last("send-heartbeat")?.heartbeat.payload.holding]).toEqual([true, false]);
    expect(router.last("set-balancing")?.role).toBe("standby");
  });

  test.each<[string, (vips: readonly Vip[]) => RemoveResult[]]>([
    ["failed", (vips) => vips.map((vip) => ({ vip, result: "failed", error: "busy" }))],
    ["was answered for another VIP", (vips) => vips.map(() => ({ vip: STRANGER, result: "removed" }))],
    ["was answered for none", () => []],
  ])("that %s is tried again", (_, answer) => {
    const router = active();
    router.hear({ role: "active", term: 9, lastActiveTerm: 9 });
    const { batch = 0, vips = [] } = router.last("remove") ?? {};
    router.feed({ kind: "remove-outcome", batch, results: answer(vips) });
    const before = router.all("remove").length;
    router.hearFor(1_200, { role: "active", term: 9, lastActiveTerm: 9 });
    expect(router.all("remove").length - before).toBe(1);
  });
});
