import { describe, expect, test } from "bun:test";
import { gateDigest } from "../../../../src/failover/evidence/gate-evidence.ts";
import type { Input } from "../../../../src/failover/machine/failover-input.ts";
import type { Surroundings } from "../../../../src/failover/machine/surroundings.ts";
import { vip } from "../../../simulation/world.ts";
import { MAC, SETTINGS, TestRouter } from "../../../support/failover.ts";

const THIRD = vip("198.51.100.10/24", "eth2", "public");
const LINK = { up: true, carrier: true };

/** A machine that is well, with some of it another way. */
function surroundings(change: Partial<Surroundings> = {}): Input {
  return {
    kind: "surroundings",
    surroundings: {
      interfaces: [
        { name: "eth0", link: LINK, sides: ["public"], ownAddress: true },
        { name: "eth1", link: LINK, sides: ["private"], ownAddress: true },
        { name: "eth2", link: LINK, sides: [], ownAddress: true },
      ],
      defaultRoutes: ["inet"],
      settingsLost: [],
      ...change,
    },
  };
}

function withInterface(name: string, change: Partial<Surroundings["interfaces"][number]>): Input {
  const well = surroundings();
  if (well.kind !== "surroundings") throw new RangeError("no surroundings");
  const interfaces = well.surroundings.interfaces.map((report) =>
    report.name === name ? { ...report, ...change } : report,
  );
  return surroundings({ interfaces });
}

const FIT = {
  vips: [{ answered: true }, { answered: true }, { answered: true }],
  defaultRoutes: ["inet"],
  gates: [],
} as const;
const ADDRESSES = [SETTINGS.vips[1], SETTINGS.vips[0], THIRD];
const PEER = {
  fitness: FIT,
  vips: ADDRESSES.flatMap((sided) =>
    sided === undefined ? [] : [{ address: sided.vip.prefix.address, mac: MAC.peer, held: false }],
  ),
};

/** The active primary of a pair that is well, with a VIP on a third interface. */
function active(): TestRouter {
  const router = new TestRouter({ settings: { vips: [...SETTINGS.vips, THIRD], failback: "manual" } });
  router.boot();
  router.feed(surroundings());
  router.meet(PEER);
  router.leased();
  router.renews = true;
  router.hearFor(1_000, PEER);
  return router;
}

/** The reason of the planned move that is under way, hearing the peer for so long. */
function moveAfter(router: TestRouter, input: Input, ms: number, peer: object = PEER): string | undefined {
  router.feed(input);
  router.hearFor(ms, peer);
  return router.state.move?.reason;
}

describe("an active that could not serve a VIP hands over to a peer that could", () => {
  test.each([
    ["the interface is gone", withInterface("eth2", {}), "interface-lost"],
    ["the interface is down", withInterface("eth2", { link: { up: false, carrier: false } }), "interface-lost"],
    ["the cable is out", withInterface("eth2", { link: { up: true, carrier: false } }), "carrier-lost"],
    ["its own address is gone", withInterface("eth0", { ownAddress: false }), "address-lost"],
  ])("at once: %s", (what, input, reason) => {
    const router = active();
    const { surroundings: picture } = input as Extract<Input, { kind: "surroundings" }>;
    const gone = picture.interfaces.map(({ link, ...report }) =>
      what === "the interface is gone" && report.name === "eth2"
        ? report
        : { ...report, ...(link === undefined ? {} : { link }) },
    );
    expect(moveAfter(router, surroundings({ ...picture, interfaces: gone }), 100)).toBe(reason);
  });

  test("after `dead_after`: the default route that it had is gone", () => {
    const router = active();
    const early = moveAfter(router, surroundings({ defaultRoutes: [] }), 800);
    router.hearFor(400, PEER);
    expect([early, router.state.move?.reason]).toEqual([undefined, "route-lost"]);
  });

  test.each([
    ["passing", "gate"],
    ["recovering", undefined],
    ["failing", undefined],
    ["unknown", undefined],
  ] as const)("where a gate fails here and is %s there: %s", (state, reason) => {
    const router = active();
    const gates = [{ name: "proxy", state: "failing", sinceMs: router.nowMs, effect: "hand-over" }] as const;
    const peer = { ...PEER, fitness: { ...FIT, gates: [{ digest: gateDigest("proxy"), state }] } };
    expect(moveAfter(router, { kind: "gates", gates }, 1_500, peer)).toBe(reason);
  });
});

describe("an active stays", () => {
  test("when an operator wants it to hand over to a router that is the worse place, and says why", () => {
    const unfit = {
      ...FIT,
      vips: [{ answered: true }, { answered: true }, { unfit: "no-carrier" as const, answered: false }],
    };
    const router = active();
    router.hear({ ...PEER, fitness: unfit });
    router.feed({ kind: "operator", id: 7, command: { kind: "switch" } });
    expect([router.last("answer")?.ok, router.last("answer")?.text]).toEqual([
      false,
      "the peer is the worse place for the VIPs: 198.51.100.10 on eth2: no carrier",
    ]);
  });

  test("when the peer could serve no more than it", () => {
    const unfit = {
      ...FIT,
      vips: [{ answered: true }, { answered: true }, { unfit: "no-carrier" as const, answered: false }],
    };
    const router = active();
    const input = withInterface("eth2", { link: { up: true, carrier: false } });
    expect(moveAfter(router, input, 3_000, { ...PEER, fitness: unfit })).toBeUndefined();
  });

  test("when the VIP that it cannot serve counts for nothing", () => {
    const vips = [...SETTINGS.vips, { ...THIRD, optional: true as const }];
    const router = active();
    router.feed({ kind: "reload", settings: { ...router.state.settings, vips } });
    const input = withInterface("eth2", { link: { up: true, carrier: false } });
    expect(moveAfter(router, input, 3_000)).toBeUndefined();
  });

  test("when only it ever had a default route, and loses it", () => {
    const router = active();
    const peer = { ...PEER, fitness: { ...FIT, defaultRoutes: [] } };
    router.hearFor(400, peer);
    expect(moveAfter(router, surroundings({ defaultRoutes: [] }), 3_000, peer)).toBeUndefined();
  });

  test("when a gate fails that only it has", () => {
    const router = active();
    const gates = [{ name: "proxy", state: "failing", sinceMs: router.nowMs, effect: "hand-over" }] as const;
    expect(moveAfter(router, { kind: "gates", gates }, 3_000)).toBeUndefined();
  });

  test("for 30 s after a move that was only judged, and moves at once for what the kernel tells", () => {
    const router = active();
    const lost = surroundings({ defaultRoutes: [] });
    router.feed(lost);
    router.hearFor(1_200, PEER);
    const id = router.state.move?.id ?? 0;
    router.hear({ ...PEER, agreement: { step: "refuse", id, reason: "route-lost" } });
    router.hearFor(10_000, PEER);
    const judged = router.state.move?.reason;
    const told = moveAfter(router, withInterface("eth2", { link: { up: true, carrier: false } }), 100);
    expect([judged, told]).toEqual([undefined, "carrier-lost"]);
  });
});

describe("a standby", () => {
  function standby(): TestRouter {
    const router = new TestRouter({ settings: { router: "backup", vips: [...SETTINGS.vips, THIRD] } });
    router.boot();
    router.feed(surroundings());
    return router.meet({ ...PEER, role: "active", term: 1, lastActiveTerm: 1, holding: true });
  }

  test("that is the worse place is not ready, and says why", () => {
    const router = standby();
    router.feed(withInterface("eth2", { link: { up: false, carrier: false } }));
    router.hear({ ...PEER, role: "active", term: 1, lastActiveTerm: 1, holding: true });
    router.advance(250);
    const said = router.last("send-heartbeat")?.heartbeat.payload;
    expect([said?.ready, said?.fitness?.vips.map(({ unfit }) => unfit)]).toEqual([
      false,
      [undefined, undefined, "link-down"],
    ]);
  });

  test("that is the worse place refuses to be made active, and says why", () => {
    const router = standby();
    router.feed(withInterface("eth2", { link: { up: true, carrier: false } }));
    router.feed({ kind: "operator", id: 8, command: { kind: "take", force: false } });
    expect(router.last("answer")?.text).toStartWith(
      "this router is the worse place for the VIPs: 198.51.100.10 on eth2",
    );
  });

  test("takes what it can when the active is dead, and the rest when its interface comes", () => {
    const router = standby();
    router.feed(withInterface("eth2", { link: { up: false, carrier: false } }));
    router.advance(1_400);
    const taken = router.last("lease")?.vips.map(({ interface: name }) => name);
    router.leased();
    router.feed(surroundings());
    expect([taken, router.last("lease")?.vips.map(({ interface: name }) => name)]).toEqual([
      ["eth1", "eth0"],
      ["eth1", "eth0", "eth2"],
    ]);
  });

  test("does not wait for the carrier of a side that it had and lost, soon after its start", () => {
    const router = standby();
    router.feed({ kind: "carrier", side: "private", up: false });
    router.feed(withInterface("eth1", { link: { up: false, carrier: false } }));
    router.advance(1_400);
    expect(router.state.phase.kind).toBe("taking");
  });

  test("takes nothing where its kernel has no IPVS for the services", () => {
    const router = standby();
    router.feed({ kind: "ipvs", missing: "it is not loaded yet" });
    router.advance(5_000);
    expect(router.state.phase.kind).toBe("standby");
  });

  test("takes over from an active whose kernel has dropped the VIPs, and that still says it is active", () => {
    const router = standby();
    const lapsing = { ...PEER, role: "active" as const, term: 1, lastActiveTerm: 1, holding: true, leaseAgeMs: 2_000 };
    for (let round = 0; round < 20 && router.state.phase.kind === "standby"; round += 1) {
      router.hear(lapsing);
      for (let ms = 0; ms < 20; ms += 1) {
        if (router.all("ask-owner", router.advance(1)).length > 0) {
          router.feed({ kind: "peer-answer", side: "public", mac: MAC.peer });
        }
      }
    }
    expect([router.state.phase.kind, router.state.trail.some(({ name }) => name === "lapsed")]).toEqual([
      "taking",
      true,
    ]);
  });
});

describe("a changed MAC", () => {
  test("of the active is announced at once", () => {
    const router = active();
    router.effects = [];
    router.feed({
      kind: "own-macs",
      macs: [
        { interface: "eth0", mac: MAC.other },
        { interface: "eth1", mac: MAC.own },
      ],
    });
    expect(router.all("announce").length).toBe(1);
  });
});

describe("a twin", () => {
  test("keeps a router that starts from taking and from speaking", () => {
    const router = new TestRouter();
    router.feed({ kind: "twin", side: "public", mac: MAC.other });
    router.boot();
    router.advance(5_000);
    expect([router.state.phase.kind, router.all("send-heartbeat").length]).toEqual(["standby", 0]);
  });

  test("of an active is said, and moves nothing", () => {
    const router = active();
    router.feed({ kind: "twin", side: "public", mac: MAC.other });
    router.hearFor(2_000, PEER);
    expect([
      router.state.phase.kind,
      router.state.move,
      router.all("notice").some(({ name }) => name === "twin"),
    ]).toEqual(["active", undefined, true]);
  });
});
