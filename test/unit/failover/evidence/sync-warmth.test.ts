import { describe, expect, test } from "bun:test";
import type { MoveReason } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { TestRouter } from "../../../support/failover.ts";

const COLD = { wanted: 50, present: 10, fullSync: false };
const WARM = { wanted: 50, present: 50, fullSync: true };

/** An active router that is asked to hand over while its standby knows 10 of 50 connections. */
function asked(): TestRouter {
  const router = new TestRouter().becomeActive();
  router.hear();
  router.feed({ kind: "warmth", warmth: COLD });
  router.feed({ kind: "operator", id: 7, command: { kind: "switch" } });
  return router;
}

/** So much time with a peer that is well and a kernel that renews the leases. */
function wait(router: TestRouter, ms: number): void {
  for (let elapsedMs = 0; elapsedMs < ms; elapsedMs += 100) {
    router.hear();
    router.advance(100);
    if (router.state.addresses.leases.length > 0) router.leased("renewed");
  }
}

function isOffered(router: TestRouter): boolean {
  return router.state.move?.offeredAtMs !== undefined;
}

function chain(router: TestRouter): string[] {
  const names = ["waited", "warmth", "move-cold"];
  return router.state.trail.filter(({ name }) => names.includes(name)).map(({ text }) => text);
}

describe("a planned move", () => {
  test("waits until the peer's kernel was told of every connection, and says so", () => {
    const router = asked();
    wait(router, 300);
    const before = isOffered(router);
    const { move } = router.state;
    router.feed({ kind: "warmth", warmth: WARM, toldFor: (move?.id ?? 0) + 1 });
    const forAnother = isOffered(router);
    router.feed({ kind: "warmth", warmth: WARM, toldFor: move?.id ?? 0 });
    expect([before, forAnother, isOffered(router)]).toEqual([false, false, true]);
    expect(chain(router)).toEqual([
      "waited 300 ms: the connections have to be known there: the peer knows 50 of 50 connections",
      "the peer knows 50 of 50 connections",
    ]);
  });

  test("goes after a while all the same when an operator wants it, and says what is at stake", () => {
    const router = asked();
    wait(router, 47_000);
    const before = isOffered(router);
    wait(router, 1_000);
    expect([before, isOffered(router)]).toEqual([false, true]);
    expect(chain(router)).toEqual([
      "hands over after 48000 ms though the peer knows 10 of 50 connections",
      "waited 48000 ms: the connections have to be known there: the peer knows 10 of 50 connections",
      "the peer knows 10 of 50 connections",
    ]);
  });

  test("does not go when it is a fail-back: that is put off", () => {
    const router = new TestRouter({ settings: { router: "backup", failbackStableMs: 1_000 } }).boot();
    router.hearFor(2_000, { ready: false });
    router.leased();
    router.hear();
    router.feed({ kind: "warmth", warmth: COLD });
    wait(router, 2_000);
    const { move } = router.state;
    wait(router, 240_200);
    expect([move?.reason, router.last("notice")?.text]).toEqual([
      "failback" satisfies MoveReason,
      expect.stringMatching(
        /^the planned move \(failback\) failed: gave up after 240\d{3} ms: the connections have to be known there: the peer knows 10 of 50 connections$/,
      ),
    ]);
    expect([router.state.phase.kind, isOffered(router)]).toEqual(["active", false]);
  });

  test("becomes the operator's who asks for it while a fail-back waits", () => {
    const router = new TestRouter({ settings: { router: "backup", failbackStableMs: 1_000 } }).boot();
    router.hearFor(2_000, { ready: false });
    router.leased();
    router.hear();
    router.feed({ kind: "warmth", warmth: COLD });
    wait(router, 2_000);
    const before = router.state.move?.reason;
    router.feed({ kind: "operator", id: 8, command: { kind: "switch" } });
    expect([before, router.state.move?.reason, router.state.move?.operator]).toEqual(["failback", "operator", 8]);
  });

  test("waits for nothing where connections are not synchronised", () => {
    const router = asked();
    router.feed({ kind: "warmth", warmth: undefined });
    expect(isOffered(router)).toBe(true);
  });
});

test("what the peer's kernel knows is taken from packets that count, and from no replay or hello", () => {
  const router = new TestRouter().becomeActive();
  const told = () => router.all("hear-connections").map(({ answer }) => answer.slice);
  const answer = (slice: number) => ({ sync: { asks: 0, answer: { to: 8, entries: 1, bits: 2, slice, keys: [] } } });
  const packet = router.packet(answer(1));
  router.feed(packet, packet);
  expect(told()).toEqual([1]);
  const hello = router.packet(answer(2));
  if (hello.kind !== "heartbeat") throw new Error("not a heartbeat");
  router.feed({ ...hello, heartbeat: { ...hello.heartbeat, echoNonce: "f".repeat(32) } });
  expect(told()).toEqual([1]);
  router.hear({ ...answer(3), sendNumber: 101 });
  // The slower path's packet is none to judge by, but it carries a slice of its own.
  router.hear({ ...answer(0), sendNumber: 100 });
  expect(told()).toEqual([1, 3, 0]);
});
