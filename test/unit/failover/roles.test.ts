import { describe, expect, test } from "bun:test";
import type { HeartbeatPayload } from "../../../src/wire/heartbeat/heartbeat.ts";
import { PRIVATE_VIP, PUBLIC_VIP, TestRouter } from "../../support/failover.ts";

function booted(router: "primary" | "backup", lastActiveTerm = 0): TestRouter {
  const stored = { term: lastActiveTerm, lastActiveTerm, hold: false, peerMacs: [] };
  return new TestRouter({ settings: { router }, stored }).boot();
}

/** How long after it met a standby peer a router began to take; undefined: not within three seconds. */
function takesAfterMs(router: TestRouter, says: Partial<HeartbeatPayload>): number | undefined {
  const startMs = router.nowMs;
  for (let elapsed = 0; elapsed < 3_000; elapsed += 50) {
    router.hear(says);
    router.advance(50);
    if (router.state.phase.kind === "taking") return Math.floor((router.nowMs - startMs) / 500) * 500;
  }
  return undefined;
}

describe("both standby", () => {
  test.each([
    ["the primary takes at once when none was ever active", booted("primary"), {}, 0],
    ["the backup gives it a second", booted("backup"), {}, 1_000],
    ["the backup takes at once when it was active last", booted("backup", 5), { term: 4, lastActiveTerm: 4 }, 0],
    ["the primary waits when the backup was active last", booted("primary", 4), { term: 5, lastActiveTerm: 5 }, 1_000],
    ["a peer that leaves is not waited for", booted("backup"), { leaving: true }, 0],
    ["a peer that was released is not waited for", booted("backup"), { abstaining: true }, 0],
    [
      "a peer that was active and stepped down is not waited for",
      booted("backup", 4),
      { term: 5, lastActiveTerm: 5, ready: false },
      0,
    ],
    ["a peer whose kernel still has VIPs is waited for", booted("primary"), { holding: true }, undefined],
    ["an active peer is left alone", booted("primary"), { role: "active" as const, holding: true }, undefined],
  ])("%s", (_, router, says, expected) => {
    expect(takesAfterMs(router, says)).toBe(expected);
  });
});

describe("two actives", () => {
  test.each([
    ["primary", 1, 2, "standby"],
    ["primary", 2, 1, "active"],
    ["primary", 2, 2, "active"],
    ["backup", 2, 2, "standby"],
  ] as const)("%s in term %i hears an active in term %i and is %s", (name, mine, theirs, phase) => {
    const router = booted(name, mine);
    router.meet({ leaving: true });
    router.leased();
    const tenure = router.state.lastActiveTerm;
    const term = tenure + theirs - mine;
    router.hear({ role: "active", term, lastActiveTerm: term, holding: true });
    expect(router.state.phase.kind).toBe(phase);
  });

  test("the one that stays announces and verifies again when the other is gone", () => {
    const router = new TestRouter().becomeActive();
    router.hear({ role: "active", term: 0, lastActiveTerm: 0, holding: true });
    const effects = router.hear({ holding: true });
    expect(
      effects.flatMap((effect) => (effect.kind === "announce" || effect.kind === "verify" ? [effect.kind] : [])),
    ).toEqual(["announce", "verify"]);
  });

  test("a packet that was held back is obeyed when its term is higher", () => {
    const router = new TestRouter().becomeActive();
    const packet = router.packet({ role: "active", term: 9, lastActiveTerm: 9, holding: true });
    router.advance(2_000);
    router.leased("renewed");
    router.feed(packet);
    expect([router.state.session.paths.public.refused, router.last("record")?.transition.reason]).toEqual([
      { "no-echo": 1, "stale-echo": 1 },
      "higher-term",
    ]);
  });
});

describe("start", () => {
  test("with a state file whose terms cannot be: no tenure was in a term above the highest known", () => {
    const stored = { term: 3, lastActiveTerm: 5, hold: false, peerMacs: [] };
    const router = new TestRouter({ stored }).boot([PRIVATE_VIP, PUBLIC_VIP]);
    router.advance(60);
    router.leased("renewed");
    expect([router.state.phase.kind, router.state.lastActiveTerm, router.state.term]).toEqual(["active", 5, 5]);
  });

  test("adopts what an earlier process left, after 50 ms, in its term", () => {
    const stored = { term: 6, lastActiveTerm: 6, hold: false, peerMacs: [] };
    const router = new TestRouter({ stored }).boot([PUBLIC_VIP, PRIVATE_VIP]);
    const before = router.all("lease").length;
    router.advance(50);
    router.leased("renewed");
    expect([before, router.state.phase.kind, router.state.term, router.last("record")?.transition.reason]).toEqual([
      0,
      "active",
      6,
      "adopted",
    ]);
  });

  test("does not adopt when the peer says that it is active", () => {
    const router = new TestRouter({ nowMs: 0 }).boot([PUBLIC_VIP, PRIVATE_VIP]);
    router.hear();
    router.hear({ role: "active", term: 7, lastActiveTerm: 7, holding: true });
    router.advance(60);
    expect([router.state.phase.kind, router.all("lease").length, router.last("remove")?.vips.length]).toEqual([
      "standby",
      0,
      2,
    ]);
  });

  test("gives up what was lost before it could be adopted", () => {
    const router = new TestRouter().boot([PUBLIC_VIP, PRIVATE_VIP]);
    router.advance(50);
    router.leased("created");
    expect([router.state.phase.kind, router.last("remove")?.vips.length]).toEqual(["standby", 2]);
  });

  test("removes VIPs with our mark that are not configured any more", () => {
    const old = { ...PUBLIC_VIP, label: "eth0:9" };
    const router = new TestRouter().boot([old]);
    expect([router.last("remove")?.vips, router.state.phase.kind]).toEqual([[old], "standby"]);
  });

  test("takes nothing before there is a carrier, and then listens first", () => {
    const router = new TestRouter();
    router.feed({ kind: "start", adoptable: [] });
    router.evidence = false;
    router.advance(20_000);
    const before = router.state.phase.kind;
    router.feed({ kind: "carrier", side: "public", up: true }, { kind: "carrier", side: "private", up: true });
    router.evidence = true;
    router.advance(900);
    const listening = router.state.phase.kind;
    router.advance(200);
    expect([before, listening, router.state.phase.kind]).toEqual(["standby", "standby", "taking"]);
  });
});

describe("stop", () => {
  test("of a standby says farewell and exits", () => {
    const router = new TestRouter({ settings: { router: "backup" } })
      .boot()
      .meet({ role: "active", term: 1, lastActiveTerm: 1 });
    const effects = [...router.feed({ kind: "stop" }), ...router.advance(100)];
    const farewells = router.all("send-heartbeat", effects).filter(({ heartbeat }) => heartbeat.payload.leaving);
    expect([farewells.length >= 6, effects.at(-1)?.kind]).toEqual([true, "exit"]);
  });

  test("of a lonely active removes the VIPs before the end", () => {
    const router = new TestRouter().becomeActive();
    router.advance(1_500);
    router.leased("renewed");
    const effects = router.feed({ kind: "stop" });
    const early = router.advance(50).some((effect) => effect.kind === "exit");
    router.removed();
    const late = router.advance(50).some((effect) => effect.kind === "exit");
    expect([effects.some((effect) => effect.kind === "remove"), early, late]).toEqual([true, false, true]);
  });

  test("a second time does not wait for the peer", () => {
    const router = new TestRouter().becomeActive();
    router.hear({ ready: false });
    router.feed({ kind: "stop" });
    const before = router.state.phase.kind;
    router.feed({ kind: "stop" });
    expect([before, router.state.phase.kind]).toEqual(["active", "standby"]);
  });
});

describe("reload", () => {
  test("adds what is new before it removes what is gone", () => {
    const router = new TestRouter().becomeActive();
    const moved = { ...PUBLIC_VIP, label: "eth0:1" };
    const vips = router.state.settings.vips.map((sided) =>
      sided.side === "public" ? { ...sided, vip: moved } : sided,
    );
    const effects = router.feed({ kind: "reload", settings: { ...router.state.settings, vips } });
    expect(
      effects.flatMap((effect) =>
        effect.kind === "lease" || effect.kind === "remove" ? [[effect.kind, effect.vips]] : [],
      ),
    ).toEqual([
      ["lease", [PRIVATE_VIP, moved]],
      ["remove", [PUBLIC_VIP]],
    ]);
    const results = [
      { vip: PRIVATE_VIP, result: "renewed" as const },
      { vip: moved, result: "created" as const },
    ];
    router.feed({ kind: "lease-outcome", batch: router.last("lease")?.batch ?? 0, results });
    expect([router.state.phase.kind, router.state.addresses.guardedAtMs]).toEqual(["active", []]);
  });

  test("that takes a VIP away ends its lease, also one that is just being renewed", () => {
    const router = new TestRouter().becomeActive();
    router.advance(1_000);
    const vips = router.state.settings.vips.filter(({ side }) => side === "private");
    router.feed({ kind: "reload", settings: { ...router.state.settings, vips } });
    const confirmed = [...router.state.addresses.confirmed];
    router.leased("renewed");
    const keys = ["10.0.0.1/24 on eth1 "];
    expect([confirmed, [...router.state.addresses.confirmed]]).toEqual([keys, keys]);
  });

  test("with longer leases, during a takeover, does not put the renewal off beyond the end of the lease given", () => {
    const router = new TestRouter().boot().meet();
    router.feed({ kind: "reload", settings: { ...router.state.settings, leaseMs: 30_000 } });
    const lease = router.all("lease")[0];
    const results = (lease?.vips ?? []).map((vip) => ({ vip, result: "created" as const }));
    const atMs = router.nowMs;
    router.feed({ kind: "lease-outcome", batch: lease?.batch ?? 0, results });
    const { renewAtMs = Infinity, confirmedUntilMs = 0 } = router.state.addresses;
    expect([router.state.phase.kind, renewAtMs < confirmedUntilMs, confirmedUntilMs <= atMs + 3_000]).toEqual([
      "active",
      true,
      true,
    ]);
  });

  test("of a standby changes its settings only", () => {
    const router = new TestRouter().boot().meet({ role: "active", term: 1, lastActiveTerm: 1 });
    const effects = router.feed({ kind: "reload", settings: { ...router.state.settings, intervalMs: 100 } });
    expect([router.state.settings.intervalMs, router.all("lease", effects), router.all("remove", effects)]).toEqual([
      100,
      [],
      [],
    ]);
  });
});

describe("configuration drift", () => {
  test("is told once at each change, and the peer is heard all the same", () => {
    const router = new TestRouter().boot().meet();
    router.leased();
    for (const configFingerprint of ["ff".repeat(8), "ff".repeat(8), "00000000000000aa"])
      router.hear({ configFingerprint });
    const told = router.all("notice").filter(({ name }) => name.startsWith("config-"));
    expect(told.map(({ name }) => name)).toEqual(["config-differs", "config-same"]);
  });
});

describe("a router that was not told yet what is in its kernel", () => {
  /** What it says of VIPs that it may have, in everything it sends. */
  function saysHolding(router: TestRouter): boolean[] {
    return router.effects.flatMap((effect) =>
      effect.kind === "send-heartbeat" ? [effect.heartbeat.payload.holding] : [],
    );
  }

  test("says that it may have VIPs, also to a peer that speaks first", () => {
    const router = new TestRouter();
    router.hear({});
    const said = saysHolding(router);
    expect(said.length).toBeGreaterThan(0);
    expect(said).not.toContain(false);
  });

  test("takes no VIPs from an active peer", () => {
    const router = new TestRouter({ settings: { router: "backup" } });
    for (const side of ["public", "private"] as const) router.feed({ kind: "carrier", side, up: true });
    router.meet({ role: "active", term: 1, lastActiveTerm: 1, holding: true });
    const before = router.state.phase.kind;
    router.feed({ kind: "start", adoptable: [] });
    expect([before, router.state.phase.kind]).toEqual(["starting", "standby"]);
  });

  test("is told once", () => {
    const router = new TestRouter().becomeActive();
    router.feed({ kind: "start", adoptable: [PUBLIC_VIP] });
    expect([router.state.phase.kind, router.state.addresses.possible.size]).toEqual(["active", 2]);
  });

  test("says that it has none once its kernel had none", () => {
    const router = new TestRouter().boot();
    expect(saysHolding(router).at(-1)).toBe(false);
  });
});

describe("a second owner", () => {
  const FOREIGN = { vip: PUBLIC_VIP, text: "203.0.113.10/24 on eth0", fixed: false };

  test("on a standby, set by somebody else, is removed at once, and the peer is told", () => {
    const router = booted("backup").meet({ role: "active", holding: true });
    router.effects = [];
    router.feed({ kind: "foreign-vips", found: [FOREIGN] });
    expect(router.last("remove")?.vips).toEqual([PUBLIC_VIP]);
    expect(router.last("notice")).toBeUndefined();
    expect(router.last("send-heartbeat")?.heartbeat.payload.holding).toBe(true);
  });

  test("is said to be removed when the kernel has done it, as it was there", () => {
    const router = booted("backup").meet({ role: "active", holding: true });
    router.feed({ kind: "foreign-vips", found: [FOREIGN] });
    router.removed();
    expect(router.last("notice")?.text).toBe(
      "somebody had set 203.0.113.10/24 on eth0 on this standby: it was removed",
    );
  });

  test("is removed again when the kernel's event came before the answer to its first removal", () => {
    const router = booted("backup").meet({ role: "active", holding: true });
    router.feed({ kind: "foreign-vips", found: [FOREIGN] });
    router.feed({ kind: "foreign-vips", found: [] });
    const told = router.last("notice")?.text;
    router.removed();
    router.feed({ kind: "foreign-vips", found: [FOREIGN] });
    expect([told, router.all("remove").length]).toEqual([
      "somebody had set 203.0.113.10/24 on eth0 on this standby: it was removed",
      2,
    ]);
  });

  test("whose removal the kernel did not answer for is removed again", () => {
    const router = booted("backup").meet({ role: "active", holding: true });
    router.feed({ kind: "foreign-vips", found: [FOREIGN] });
    router.feed({ kind: "remove-outcome", batch: router.last("remove")?.batch ?? 0, results: [] });
    router.hearFor(1_200, { role: "active", holding: true });
    expect(router.all("remove").map(({ vips }) => vips)).toEqual([[PUBLIC_VIP], [PUBLIC_VIP]]);
  });

  test("that comes back five times in a minute is left, and said to be", () => {
    const router = booted("backup").meet({ role: "active", holding: true });
    for (let time = 0; time < 6; time += 1) {
      router.feed({ kind: "foreign-vips", found: [FOREIGN] });
      if (time < 5) router.removed();
    }
    expect([router.all("remove").length, router.last("notice")?.name]).toEqual([5, "foreign-vip"]);
  });

  test("on the loopback interface is left, and said to be", () => {
    const router = booted("backup").meet({ role: "active", holding: true });
    router.effects = [];
    router.feed({ kind: "foreign-vips", found: [{ ...FOREIGN, fixed: true }] });
    expect([router.last("remove"), router.last("notice")?.name]).toEqual([undefined, "foreign-vip"]);
  });

  test("beside the active's own is said, and nothing is removed", () => {
    const router = new TestRouter().becomeActive();
    router.effects = [];
    router.feed({ kind: "foreign-vips", found: [FOREIGN] });
    expect([router.all("remove"), router.last("notice")?.name]).toEqual([[], "address-added"]);
  });

  test("found on an active goes when that steps down", () => {
    const router = new TestRouter().becomeActive();
    router.feed({ kind: "foreign-vips", found: [FOREIGN] });
    router.effects = [];
    router.hear({ role: "active", term: 9, lastActiveTerm: 9 });
    expect(router.all("remove").map(({ vips }) => vips.length)).toContain(1);
  });

  test("heard of by the active makes it announce again once it is gone", () => {
    const router = new TestRouter().becomeActive();
    router.advance(2_000);
    const vips = [{ address: PUBLIC_VIP.prefix.address, held: true }];
    router.hear({ holding: true, vips });
    router.effects = [];
    router.hear({ vips: [] });
    expect(router.all("announce").length).toBe(1);
  });
});
