import { describe, expect, test } from "bun:test";
import { CARRIER_SETTLE_MS } from "../../../../src/failover/machine/settings.ts";
import type { AgreementStep, MoveReason } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { PRIVATE_VIP, PUBLIC_VIP, TestRouter } from "../../../support/failover.ts";

const ACTIVE_PEER = { role: "active", term: 1, lastActiveTerm: 1, holding: true } as const;

/** What the last heartbeat said of a planned move. */
function word(router: TestRouter): string {
  const agreement = router.last("send-heartbeat")?.heartbeat.payload.agreement;
  return agreement === undefined ? "nothing" : `${agreement.step} ${agreement.id} ${agreement.reason}`;
}

function says(step: AgreementStep, id: number, reason: MoveReason = "operator") {
  return { agreement: { step, id, reason } };
}

/** An active primary that has been told to switch, and the id of its offer. */
function offering(): { readonly router: TestRouter; readonly id: number } {
  const router = new TestRouter().becomeActive();
  router.hear();
  router.feed({ kind: "operator", id: 7, command: { kind: "switch" } });
  return { router, id: router.state.move?.id ?? 0 };
}

describe("the old owner", () => {
  test("offers the VIPs at once to a peer that is ready", () => {
    const { router, id } = offering();
    expect(word(router)).toBe(`offer ${id} operator`);
  });

  test("ends its tenure once when the new owner's proof comes after the agreement", () => {
    const { router, id } = offering();
    router.hear({ ...ACTIVE_PEER, term: 2, lastActiveTerm: 2, ...says("taken", id) });
    // No tick in between: the packet comes first in the turn.
    router.nowMs += 500;
    router.hear({ ...ACTIVE_PEER, term: 2, lastActiveTerm: 2, ...says("verified", id) });
    const ends = router.all("record").filter(({ transition }) => transition.to === "standby");
    expect([ends.length, router.state.move, router.all("answer").length]).toEqual([1, undefined, 1]);
  });

  test("waits for a peer that is not ready", () => {
    const router = new TestRouter().becomeActive();
    router.hear({ ready: false });
    router.feed({ kind: "operator", id: 7, command: { kind: "switch" } });
    const before = router.state.move?.offeredAtMs;
    router.hear({ ready: true });
    expect([before, router.state.move?.offeredAtMs]).toEqual([undefined, router.nowMs]);
  });

  test("waits until the peer knows the connections, unless it hurts", () => {
    const moved = (["operator", "carrier"] as const).map((why) => {
      const router = new TestRouter().becomeActive();
      router.hear();
      router.feed({ kind: "warmth", warmth: { wanted: 1_000, present: 989, fullSync: false } });
      if (why === "operator") router.feed({ kind: "operator", id: 7, command: { kind: "switch" } });
      else router.feed({ kind: "carrier", side: "public", up: false });
      router.advance(CARRIER_SETTLE_MS);
      return [why, router.state.move?.offeredAtMs !== undefined];
    });
    expect(moved).toEqual([
      ["operator", false],
      ["carrier", true],
    ]);
  });

  test.each(["verified", "unverifiable"] as const)("drops when the new one says %s", (step) => {
    const { router, id } = offering();
    router.hear(says("accept", id));
    router.hear({ role: "active", term: 2, lastActiveTerm: 2, holding: true, ...says("taken", id) });
    const before = router.state.phase.kind;
    router.hear({ role: "active", term: 2, lastActiveTerm: 2, holding: true, ...says(step, id) });
    expect([before, router.state.phase.kind, router.last("answer")?.ok]).toEqual(["active", "standby", true]);
  });

  test("tells its operator how long both had the VIPs, and whether that was proved", () => {
    const texts = (["verified", "unverifiable"] as const).map((step) => {
      const { router, id } = offering();
      router.advance(5);
      router.hear({ role: "active", term: 2, lastActiveTerm: 2, holding: true, ...says("taken", id) });
      router.advance(7);
      router.hear({ role: "active", term: 2, lastActiveTerm: 2, holding: true, ...says(step, id) });
      return router.last("answer")?.text;
    });
    const text = "the peer is active, 12 ms after it was offered the VIPs; no gap: it had them 7 ms before";
    expect(texts).toEqual([
      `${text} this router dropped them`,
      `${text} this router dropped them, but no neighbour confirmed that it gets their traffic`,
    ]);
  });

  test("keeps when the new one falls silent before it has proved anything", () => {
    const { router, id } = offering();
    router.hear(says("accept", id));
    router.advance(1_100);
    expect([router.state.phase.kind, router.last("answer")?.ok, word(router)]).toEqual([
      "active",
      false,
      `cancel ${id} operator`,
    ]);
  });

  test("drops at the agreement's end when the new one is active and alive, though nothing proved it", () => {
    const { router, id } = offering();
    for (let elapsed = 0; elapsed < 1_050; elapsed += 20) {
      router.hear({ role: "active", term: 2, lastActiveTerm: 2, holding: true, ...says("taken", id) });
      router.advance(20);
    }
    expect([router.state.phase.kind, router.last("record")?.transition.reason]).toEqual(["standby", "handed-over"]);
  });

  test("keeps when the new one refuses", () => {
    const { router, id } = offering();
    router.hear(says("refuse", id));
    expect([router.state.phase.kind, router.state.move, router.last("answer")?.ok]).toEqual([
      "active",
      undefined,
      false,
    ]);
  });

  test("obeys a higher term that is not the agreed one's", () => {
    const { router, id } = offering();
    router.hear({ role: "active", term: 2, lastActiveTerm: 2, holding: true, ...says("taken", id + 1) });
    expect(router.last("record")?.transition.reason).toBe("higher-term");
  });
});

/** A standby backup that hears its active peer. */
function standby(): TestRouter {
  return new TestRouter({ settings: { router: "backup" } }).boot().meet(ACTIVE_PEER);
}

describe("the new owner", () => {
  test("accepts an offer and takes, then says how far it is", () => {
    const router = standby();
    const words = [word(router)];
    router.hear({ ...ACTIVE_PEER, ...says("offer", 5, "failback") });
    words.push(word(router));
    router.leased();
    words.push(word(router));
    const { verification } = router.last("verify") ?? { verification: 0 };
    for (const { prefix } of [PUBLIC_VIP, PRIVATE_VIP]) {
      const answer = { address: prefix.address, by: prefix.address, elapsedMs: 1 };
      router.feed({ kind: "verify-answer", verification, ...answer });
    }
    words.push(word(router));
    expect(words).toEqual(["nothing", "accept 5 failback", "taken 5 failback", "verified 5 failback"]);
  });

  test("takes an offer once, however often it is repeated", () => {
    const router = standby();
    for (let round = 0; round < 3; round += 1) router.hear({ ...ACTIVE_PEER, ...says("offer", 5) });
    expect(router.all("lease").length).toBe(1);
  });

  test("refuses while one of its sides has no carrier", () => {
    const router = standby();
    router.feed({ kind: "carrier", side: "public", up: false });
    router.hear({ ...ACTIVE_PEER, ...says("offer", 5) });
    expect([word(router), router.all("lease").length]).toEqual(["refuse 5 operator", 0]);
  });

  test("takes everything back when the active cancels before the kernel is done", () => {
    const router = standby();
    router.hear({ ...ACTIVE_PEER, ...says("offer", 5) });
    router.hear({ ...ACTIVE_PEER, ...says("cancel", 5) });
    expect([router.state.phase.kind, router.last("remove")?.vips.length]).toEqual(["standby", 2]);
  });

  test("takes everything back when the kernel is done after the agreement, and the active lives", () => {
    const router = standby();
    router.hear({ ...ACTIVE_PEER, ...says("offer", 5) });
    router.hearFor(1_400, { ...ACTIVE_PEER, ...says("offer", 5) });
    router.leased();
    expect([router.state.phase.kind, router.last("remove")?.vips.length]).toEqual(["standby", 2]);
  });

  test("goes on when the active dies meanwhile", () => {
    const router = standby();
    router.hear({ ...ACTIVE_PEER, ...says("offer", 5) });
    router.advance(2_000);
    router.leased();
    expect(router.state.phase.kind).toBe("active");
  });

  test("asks the active on behalf of an operator, and answers when it has the role", () => {
    const router = standby();
    router.feed({ kind: "operator", id: 3, command: { kind: "switch" } });
    const asked = word(router);
    const id = router.state.wish?.id ?? 0;
    router.hear({ ...ACTIVE_PEER, ...says("offer", id) });
    router.leased();
    expect([asked, router.all("answer")]).toEqual([
      `request ${id} operator`,
      [
        {
          kind: "answer",
          id: 3,
          ok: true,
          text: "this router is active, 0 ms after it was asked; no gap: the peer drops the VIPs only now",
        },
      ],
    ]);
  });

  test("takes by force after two seconds when the active does not consent", () => {
    const router = standby();
    router.feed({ kind: "operator", id: 3, command: { kind: "take", force: true } });
    router.hearFor(1_900, ACTIVE_PEER);
    const before = router.state.phase.kind;
    router.hearFor(200, ACTIVE_PEER);
    expect([before, router.state.phase.kind, router.state.term]).toEqual(["standby", "taking", 2]);
  });
});
