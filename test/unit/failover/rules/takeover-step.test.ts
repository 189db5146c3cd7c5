import { describe, expect, test } from "bun:test";
import { STEP_SLACK_MS } from "../../../../src/failover/machine/settings.ts";
import { TestRouter } from "../../../support/failover.ts";

/** A standby that has begun to take over, and whose program runs. */
function stepping(onFailure: "abort" | "continue" = "abort"): TestRouter {
  const settings = { takeoverStep: { limitMs: 5_000, onFailure } };
  return new TestRouter({ settings }).boot().meet();
}

function hookOf(router: TestRouter): number {
  return router.all("run-hook").find(({ name }) => name === "takeover")?.hook ?? -1;
}

describe("the program of a takeover", () => {
  test("runs first; the addresses follow it, and it is not run again", () => {
    const router = stepping();
    expect([router.state.phase.kind, router.all("lease").length]).toEqual(["taking", 0]);
    router.feed({ kind: "hook-done", hook: hookOf(router), ok: true, detail: "exit code 0" });
    router.leased();
    expect(router.state.phase.kind).toBe("active");
    expect(router.all("run-hook").map(({ name }) => name)).toEqual(["takeover", "active"]);
  });

  test.each([
    ["abort", "standby"],
    ["continue", "taking"],
  ] as const)("that fails, with takeover_failure = %s, leaves it %s", (onFailure, phase) => {
    const router = stepping(onFailure);
    router.feed({ kind: "hook-done", hook: hookOf(router), ok: false, detail: "exit code 1" });
    expect([router.state.phase.kind, router.all("lease").length]).toEqual([phase, onFailure === "abort" ? 0 : 1]);
    expect(router.last("notice")?.name).toBe("hook-failed");
  });

  test("of which nothing is heard has failed after its limit", () => {
    const router = stepping();
    router.hearFor(5_000 + STEP_SLACK_MS - 500);
    const before = router.state.phase.kind;
    router.hearFor(600);
    expect([before, router.state.phase.kind]).toEqual(["taking", "standby"]);
  });

  test("is run, but not waited for, by a daemon that finds its VIPs in place", () => {
    const settings = { takeoverStep: { limitMs: 5_000, onFailure: "abort" as const } };
    const router = new TestRouter({ settings });
    router.boot(router.state.settings.vips.map((sided) => sided.vip));
    router.advance(100);
    router.leased("renewed");
    expect([router.state.phase.kind, hookOf(router) > 0]).toEqual(["active", true]);
  });

  test("that the peer gave up is answered by the active's own, once the peer's runs no longer", () => {
    const router = stepping();
    router.feed({ kind: "hook-done", hook: hookOf(router), ok: true, detail: "exit code 0" });
    router.leased();
    router.effects = [];
    // The peer has begun, its program runs; then it has heard of us.
    router.hear({ holding: true, stepping: true });
    const meanwhile = hookOf(router);
    router.hear();
    expect([meanwhile, hookOf(router) > 0]).toEqual([-1, true]);
  });

  test("makes the agreement of a planned move longer by its limit", () => {
    const settings = { takeoverStep: { limitMs: 5_000, onFailure: "abort" as const } };
    const router = new TestRouter({ settings });
    router.boot().meet();
    router.feed({ kind: "hook-done", hook: hookOf(router), ok: true, detail: "exit code 0" });
    router.leased();
    router.feed({ kind: "operator", id: 1, command: { kind: "switch" } });
    router.hearFor(4_000, { agreement: { step: "accept", id: router.state.move?.id ?? 0, reason: "operator" } });
    expect(router.state.move?.offeredAtMs).toBeDefined();
  });
});
