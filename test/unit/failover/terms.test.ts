import { describe, expect, test } from "bun:test";
import { TERM_LIMIT } from "../../../src/failover/machine/settings.ts";
import { TestRouter } from "../../support/failover.ts";

const NONSENSE = 0xffff_ffff;

describe("a term that cannot be", () => {
  test("is not obeyed when it is heard, nor kept", () => {
    const router = new TestRouter();
    router.boot().meet({ term: NONSENSE, lastActiveTerm: NONSENSE });
    router.leased("created");
    router.hear({ role: "active", term: NONSENSE, lastActiveTerm: NONSENSE });
    const stored = router.all("persist").map((effect) => effect.stored.term);
    expect([router.state.phase.kind, router.state.term, Math.max(...stored)]).toEqual(["active", 1, 1]);
  });

  test("on disk neither stops a router from taking nor is told to the peer", () => {
    const router = new TestRouter({
      stored: { term: Number.MAX_SAFE_INTEGER, lastActiveTerm: Number.MAX_SAFE_INTEGER, hold: false, peerMacs: [] },
    });
    router.becomeActive();
    const told = router.all("send-heartbeat").map(({ heartbeat }) => heartbeat.payload.term);
    expect([router.state.phase.kind, Math.max(...told)]).toEqual(["active", TERM_LIMIT]);
  });
});

describe("an adopted tenure", () => {
  test("keeps the term in which the VIPs were taken, below that of a rival heard meanwhile", () => {
    const vips = new TestRouter().state.settings.vips.map((sided) => sided.vip);
    const router = new TestRouter({ stored: { term: 7, lastActiveTerm: 3, hold: false, peerMacs: [] } });
    router.boot(vips);
    router.advance(60);
    router.leased("renewed");
    expect([router.state.phase.kind, router.state.term, router.state.lastActiveTerm]).toEqual(["active", 7, 3]);
  });
});

test("an active hears that its peer was active later and is not any more: it announces again, in a term above that", () => {
  const router = new TestRouter().becomeActive();
  router.hearFor(2_000);
  router.effects = [];
  router.hear({ term: 5, lastActiveTerm: 5 });
  expect([router.all("announce").length, router.state.lastActiveTerm]).toEqual([1, 6]);
  router.effects = [];
  router.hear({ term: 6, lastActiveTerm: 5 });
  expect(router.all("announce").length).toBe(0);
});
