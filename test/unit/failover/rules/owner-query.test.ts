import { describe, expect, test } from "bun:test";
import type { Input } from "../../../../src/failover/machine/failover-input.ts";
import { unansweredNeeded } from "../../../../src/failover/rules/owner-query.ts";
import type { HeartbeatSource } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { MAC, PUBLIC_VIP, TestRouter } from "../../../support/failover.ts";

/** A standby whose active peer is heard no more. */
function silentPeer(): TestRouter {
  const router = new TestRouter({ settings: { router: "backup" } });
  return router.boot().meet({ role: "active", term: 1, lastActiveTerm: 1, holding: true });
}

const ANSWER = { kind: "owner-answer", address: PUBLIC_VIP.prefix.address, mac: MAC.peer, interface: "eth0" } as const;

const OWN_ANSWER = { kind: "peer-answer", side: "public", mac: MAC.peer } as const;

/** The peer's kernel answers each question for so long: for the VIP, for its own address, or for both. */
function answerFor(router: TestRouter, ms: number, answers: readonly Input[] = [ANSWER, OWN_ANSWER]): void {
  for (let elapsed = 0; elapsed < ms; elapsed += 1) {
    if (router.all("ask-owner", router.advance(1)).length > 0) router.feed(...answers);
  }
}

describe("unansweredNeeded()", () => {
  const query = { sinceMs: 0, askedAtMs: 0, standoff: false, ownAnswered: [], absentRounds: 0, unansweredSeeing: 0 };

  test.each([
    ["three of a kernel that never answered", { attempt: 50, unanswered: 50, answered: 0 }, 3],
    ["four after fifty answers without a loss", { attempt: 50, unanswered: 0, answered: 50 }, 4],
    ["three after many", { attempt: 400, unanswered: 0, answered: 400 }, 3],
    ["more where one in ten was lost", { attempt: 100, unanswered: 0, answered: 90 }, 7],
    ["many more where half were lost", { attempt: 100, unanswered: 0, answered: 50 }, 20],
    ["no more than forty", { attempt: 100, unanswered: 0, answered: 5 }, 40],
  ])("wants %s", (_, counts, needed) => {
    expect(unansweredNeeded({ ...query, ...counts })).toBe(needed);
  });
});

describe("a standby whose peer is late", () => {
  test("asks the peer's kernel by unicast before the peer is silent, and the neighbours too", () => {
    const router = silentPeer();
    const effects = router.advance(400);
    expect(router.all("ask-owner", effects)[0]).toEqual({
      kind: "ask-owner",
      attempt: 1,
      questions: [
        { vip: router.state.settings.vips[1]?.vip as typeof PUBLIC_VIP, mac: MAC.peer },
        { vip: PUBLIC_VIP, mac: MAC.peer },
      ],
      peer: [
        { side: "public", mac: MAC.peer },
        { side: "private", mac: MAC.peer },
      ],
    });
    expect(router.all("ask-neighbours", effects).length).toBe(router.all("ask-owner", effects).length);
    expect(router.state.phase.kind).toBe("standby");
  });

  test("takes over when its peer is silent and no question was answered", () => {
    const router = silentPeer();
    router.advance(850);
    expect([router.state.phase.kind, router.state.term]).toEqual(["taking", 2]);
  });

  test("stays while the peer's kernel answers, and takes within 50 ms when it stops", () => {
    const router = silentPeer();
    answerFor(router, 4_000);
    const waited = router.state.phase.kind;
    answerFor(router, 50, [OWN_ANSWER]);
    expect([waited, router.state.phase.kind]).toEqual(["standby", "taking"]);
  });

  test("waits for the end of every lease when its kernel answered after its daemon had died and nothing answers now", () => {
    const router = silentPeer();
    answerFor(router, 2_000);
    // Heard last 0.2 s before; the interval, the lease and its slack from there.
    router.advance(2_000);
    const waited = router.state.phase.kind;
    router.advance(200);
    expect([waited, router.state.phase.kind]).toEqual(["standby", "taking"]);
  });

  test("takes nothing while heartbeats that do not count show that the peer's daemon may renew", () => {
    const router = silentPeer();
    answerFor(router, 2_000);
    router.feed({ kind: "peer-frame", path: "public", atMs: router.nowMs });
    router.advance(4_200);
    const waited = router.state.phase.kind;
    router.advance(200);
    expect([waited, router.state.phase.kind]).toEqual(["standby", "taking"]);
  });

  test("is not held up by heartbeats that somebody sends again: heard before, this router's own, of the other path", () => {
    const router = silentPeer();
    answerFor(router, 2_000);
    const { session } = router.state;
    const source = { router: "primary" as const, path: "public" as const, bootId: session.peer?.bootId ?? "" };
    const newest = session.paths.public.heard;
    const again = (change: Partial<HeartbeatSource>): Input => ({
      kind: "peer-frame",
      path: "public",
      atMs: router.nowMs,
      source: { ...source, counter: newest + 1, ...change },
    });
    router.feed(again({ counter: newest }), again({ router: "backup" }), again({ path: "private" }));
    expect(router.state.peerFrameAtMs).toBeUndefined();
    router.advance(2_200);
    expect(router.state.phase.kind).toBe("taking");
    // What it has not heard yet shows that the peer's daemon lives.
    router.feed(again({}));
    expect(router.state.peerFrameAtMs).toBe(router.nowMs);
  });

  test("learns the peer's MAC from an answer for its own address", () => {
    const router = new TestRouter({ settings: { router: "backup" } });
    router.boot();
    router.advance(700);
    router.feed(OWN_ANSWER);
    router.advance(20);
    expect(router.last("ask-owner")?.peer).toEqual([{ side: "public", mac: MAC.peer }, { side: "private" }]);
  });

  test("stands off when the peer's kernel answers for longer than two leases, and says so", () => {
    const router = silentPeer();
    answerFor(router, 8_000);
    expect([router.state.query?.standoff, router.last("notice")?.name]).toEqual([true, "peer-keeps-addresses"]);
  });

  test("forgets its questions when the peer is heard again", () => {
    const router = silentPeer();
    router.advance(600);
    router.hear({ role: "active", term: 1, lastActiveTerm: 1, holding: true });
    expect(router.state.query).toBeUndefined();
  });

  test("stays when it sees nobody either", () => {
    const router = silentPeer();
    router.evidence = false;
    router.advance(5_000);
    expect([router.state.phase.kind, router.last("notice")?.name]).toEqual(["standby", "alone"]);
  });

  test("names another machine that answers, and takes all the same", () => {
    const router = silentPeer();
    router.advance(700);
    router.feed({ ...ANSWER, mac: MAC.other });
    router.advance(200);
    expect([router.last("notice")?.name, router.state.phase.kind, router.state.conflicts[0]?.mac]).toEqual([
      "peer-silent",
      "taking",
      MAC.other,
    ]);
  });

  test("asks by broadcast, and waits for any answer, while it has never heard of the peer's MAC", () => {
    const router = new TestRouter();
    router.boot();
    router.advance(700);
    const asked = router.last("ask-owner")?.questions.map((question) => question.mac);
    router.feed({ ...ANSWER, mac: MAC.other });
    router.advance(20);
    expect([asked, router.state.phase.kind, router.state.query?.answered]).toEqual([
      [undefined, undefined],
      "standby",
      1,
    ]);
  });

  test("asks the MACs that an earlier process stored", () => {
    const router = new TestRouter({
      stored: { term: 4, lastActiveTerm: 2, hold: false, peerMacs: [{ interface: "eth0", mac: MAC.peer }] },
    });
    router.boot();
    router.advance(600);
    expect(router.last("ask-owner")?.questions.map((question) => question.mac)).toEqual([undefined, MAC.peer]);
  });
});

describe("an active for whose VIP another machine answers", () => {
  const stranger = { ...ANSWER, mac: MAC.other };

  /** When it announces in so many ms, to 100 ms; its peer is heard, and its leases are renewed. */
  function announced(router: TestRouter, ms: number): number[] {
    const atMs: number[] = [];
    for (let elapsed = 100; elapsed <= ms; elapsed += 100) {
      const effects = router.hearFor(100);
      if (router.all("lease", effects).length > 0) effects.push(...router.leased("renewed"));
      if (router.all("announce", effects).length > 0) atMs.push(elapsed);
    }
    return atMs;
  }

  test("announces again at once and a second later, and then ten seconds after that, however often it is answered", () => {
    const router = new TestRouter().becomeActive();
    announced(router, 5_000);
    expect([router.all("announce", router.feed(stranger)).length, announced(router, 2_000)]).toEqual([1, [1_100]]);
    for (let count = 0; count < 3; count += 1) router.feed(stranger);
    const [first = 0, second = 0, ...more] = announced(router, 20_000);
    expect([first, second - first, more]).toEqual([8_000, 1_100, []]);
  });

  test("lets a second pass after its own announcement, in which neighbours take nothing new", () => {
    const router = new TestRouter().becomeActive();
    router.feed(stranger);
    expect(announced(router, 10_000)).toEqual([1_100, 2_200]);
  });

  test("waits a moment where it is the peer, which may be about to say that it takes over", () => {
    const router = new TestRouter().becomeActive();
    announced(router, 20_000);
    expect([router.all("announce", router.feed(ANSWER)), announced(router, 10_000)]).toEqual([[], [1_100, 2_200]]);
    router.feed(ANSWER);
    router.hearFor(100, { role: "active", term: 9, lastActiveTerm: 9 });
    expect([router.state.phase.kind, announced(router, 5_000)]).toEqual(["standby", []]);
  });
});

test("a router that has only just begun to ask does not take the lack of an answer for silence", () => {
  const stored = { term: 1, lastActiveTerm: 1, hold: false, abstaining: true, peerMacs: [] };
  const router = new TestRouter({ stored }).boot();
  router.advance(10_000);
  router.feed({ kind: "operator", id: 1, command: { kind: "take", force: false } });
  // A round trip of 30 ms, say after it gave the VIPs up for a second owner: the first answer is still under way.
  router.advance(100);
  const before = router.state.phase.kind;
  router.advance(200);
  expect([before, router.state.phase.kind]).toEqual(["standby", "taking"]);
});
