import { describe, expect, test } from "bun:test";
import { currentConflicts } from "../../../../src/failover/evidence/conflict.ts";
import { vip } from "../../../simulation/world.ts";
import { MAC, PEER_SAYS, PUBLIC_VIP, TestRouter } from "../../../support/failover.ts";

const ADDRESS = PUBLIC_VIP.prefix.address;
const CLAIM = { kind: "owner-answer", address: ADDRESS, mac: MAC.other, interface: "eth0" } as const;

/** An active that saw another machine announce its VIP. */
function contested(): TestRouter {
  const router = new TestRouter().becomeActive();
  router.renews = true;
  router.hearFor(5_000);
  router.feed({ ...CLAIM, announced: true });
  return router;
}

function macsAsked(router: TestRouter, effects: ReturnType<TestRouter["hearFor"]>): readonly unknown[] {
  return router
    .all("ask-owner", effects)
    .flatMap(({ questions }) => questions.map(({ mac }) => mac))
    .filter((mac) => mac === MAC.other);
}

describe("another machine that answers for a VIP", () => {
  test("is asked by itself, every ten seconds, and forgotten when it does not answer", () => {
    const router = contested();
    const asked = macsAsked(router, router.hearFor(21_000));
    const before = currentConflicts(router.state, router.nowMs).map(({ mac }) => mac);
    router.hearFor(6_000);
    expect([asked, before, router.state.conflicts]).toEqual([[MAC.other, MAC.other], [MAC.other], []]);
    expect(router.all("notice").map(({ name }) => name)).toContain("conflict-over");
  });

  test("stays known for as long as it answers, and the log has it once", () => {
    const router = contested();
    for (let round = 0; round < 60; round += 1) {
      if (macsAsked(router, router.hearFor(1_000)).length > 0) router.feed(CLAIM);
    }
    expect(currentConflicts(router.state, router.nowMs)).toMatchObject([{ address: ADDRESS, mac: MAC.other }]);
    expect(router.all("notice").filter(({ name }) => name === "address-conflict")).toHaveLength(1);
  });

  // Each answer to a question of ours would have been taken for news to the neighbours.
  test("is not announced against for what it answers", () => {
    const router = contested();
    router.hearFor(9_900);
    const effects = router.hearFor(400);
    expect(macsAsked(router, effects)).toEqual([MAC.other]);
    const { announcing } = router.state;
    router.feed(CLAIM, CLAIM);
    expect(router.state.announcing).toEqual(announcing);
  });

  // The new owner of a move announces with a MAC that its heartbeats tell a moment later.
  test("is none when it turns out to be the peer with another MAC", () => {
    const router = contested();
    const vips = PEER_SAYS.vips.map((vip) => ({ ...vip, mac: MAC.other }));
    router.hearFor(400, { vips });
    expect([currentConflicts(router.state, router.nowMs), router.state.conflicts]).toEqual([[], []]);
    expect(router.last("notice")?.text).toContain("is a router of this pair");
  });

  test("is one of a few: whoever makes up MACs fills no memory", () => {
    const router = contested();
    for (let number = 0; number < 100; number += 1) {
      const mac = `02:00:00:00:aa:${number.toString(16).padStart(2, "0")}` as typeof MAC.other;
      router.feed({ ...CLAIM, mac });
    }
    expect(router.state.conflicts).toHaveLength(16);
  });
});

describe("a VIP that is new with a reload", () => {
  const added = vip("203.0.113.20/24", "eth0", "public");
  const reload = (router: TestRouter) => {
    const { settings } = router.state;
    return router.feed({ kind: "reload", settings: { ...settings, vips: [...settings.vips, added] } });
  };

  test("is asked for by the active, of all, and another machine's answer is known at once", () => {
    const router = new TestRouter().becomeActive();
    const asked = router.all("ask-owner", reload(router)).flatMap(({ questions }) => questions);
    expect(asked).toEqual([{ vip: added.vip }]);
    router.feed({ kind: "owner-answer", address: added.vip.prefix.address, mac: MAC.other, interface: "eth0" });
    expect(currentConflicts(router.state, router.nowMs)).toMatchObject([{ mac: MAC.other }]);
    // Once: the next reload has nothing new.
    expect(router.all("ask-owner", router.feed({ kind: "reload", settings: router.state.settings }))).toEqual([]);
  });

  test("is asked for by no standby: the active may have it already", () => {
    const router = new TestRouter({ settings: { router: "backup" } }).boot();
    router.meet({ role: "active", term: 1, lastActiveTerm: 1 });
    expect(router.all("ask-owner", reload(router))).toEqual([]);
  });
});
