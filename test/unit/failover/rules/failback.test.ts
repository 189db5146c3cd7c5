import { describe, expect, test } from "bun:test";
import { TestRouter } from "../../../support/failover.ts";

/** The backup, active since its peer left; the peer is ready again. */
function activeBackup(): TestRouter {
  const router = new TestRouter({ settings: { router: "backup", failbackStableMs: 2_000 } }).boot();
  router.meet({ leaving: true });
  router.leased();
  router.renews = true;
  return router;
}

describe("a fail-back that the primary refuses", () => {
  test("is tried again after twice the time, which outlives the process", () => {
    const router = activeBackup();
    router.hearFor(2_600);
    const { move } = router.state;
    router.hear({ agreement: { step: "refuse", id: move?.id ?? 0, reason: "failback" } });
    expect([move?.reason, router.state.move, router.state.failback.stableMs]).toEqual(["failback", undefined, 4_000]);
    expect(router.last("persist")?.stored.failbackStableMs).toBe(4_000);
    router.effects = [];
    router.hearFor(3_000);
    const early = router.state.move?.reason;
    router.hearFor(1_400);
    expect([early, router.state.move?.reason]).toEqual([undefined, "failback"]);
  });
});

describe("a router that was released", () => {
  test("stays so over a restart", () => {
    const router = activeBackup();
    router.hear({ ready: false });
    router.advance(2_000);
    router.feed({ kind: "operator", id: 1, command: { kind: "release" } });
    const stored = router.last("persist")?.stored;
    expect(stored?.abstaining).toBe(true);
    const next = new TestRouter({ settings: { router: "backup" }, ...(stored === undefined ? {} : { stored }) }).boot();
    next.evidence = true;
    next.advance(5_000);
    expect([next.state.abstaining, next.state.phase.kind]).toEqual([true, "standby"]);
    next.feed({ kind: "operator", id: 2, command: { kind: "take", force: false } });
    expect(next.last("persist")?.stored.abstaining).toBeUndefined();
  });
});

// It was told that it takes nothing until `take`, and forgot that with the next heartbeat.
test("a release at the standby of an active peer says that it changes nothing", () => {
  const router = new TestRouter({ settings: { router: "backup" } }).boot();
  router.meet({ role: "active" });
  router.effects = [];
  router.feed({ kind: "operator", id: 1, command: { kind: "release" } });
  expect([router.state.abstaining, router.last("answer")]).toEqual([
    false,
    {
      kind: "answer",
      id: 1,
      ok: true,
      text: "this router is standby already; to keep it from taking over, stop its daemon",
    },
  ]);
});

test("a release ends, and says so, when the peer is active", () => {
  const router = activeBackup();
  router.hear({ ready: false });
  router.advance(2_000);
  router.feed({ kind: "operator", id: 1, command: { kind: "release" } });
  router.effects = [];
  router.meet({ role: "active", term: 9, lastActiveTerm: 9 });
  expect([router.state.abstaining, router.all("notice").map(({ name }) => name)]).toEqual([
    false,
    expect.arrayContaining(["release-over"]),
  ]);
});

test("two routers that meet have both paths up within a tenth of a second, not after an interval each", () => {
  const router = new TestRouter({ settings: { intervalMs: 60_000, deadAfterMs: 120_000 } }).boot();
  router.hear();
  router.effects = [];
  router.advance(100);
  expect(router.all("send-heartbeat").length).toBeGreaterThan(4);
});
