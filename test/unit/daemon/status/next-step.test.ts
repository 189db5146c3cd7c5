import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { outlook, pendingFailback, transitionWhy } from "../../../../src/daemon/status/next-step.ts";
import { gateDigest } from "../../../../src/failover/evidence/gate-evidence.ts";
import type { Input } from "../../../../src/failover/machine/failover-input.ts";
import type { TransitionReason } from "../../../../src/failover/machine/history.ts";
import type { GateState, Unfitness } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { MOVE_REASONS } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { PEER_SAYS, TestRouter } from "../../../support/failover.ts";
import { BASE } from "../../config/base.ts";

const parsed = parseConfig(BASE);
if (!parsed.ok) throw new Error("the base file is not valid");
const CONFIG = parsed.config;

const WELL = { answered: true } as const;

/** What a peer says of its gate and of its first VIP. */
function peer(gate: GateState | undefined, unfit?: Unfitness, ready = true) {
  const gates = gate === undefined ? [] : [{ digest: gateDigest("proxy"), state: gate }];
  const first = unfit === undefined ? WELL : { unfit, answered: true };
  return { ...PEER_SAYS, ready, fitness: { vips: [first, WELL], defaultRoutes: ["inet"] as const, gates } };
}

function surroundings(isUp: boolean): Input {
  return {
    kind: "surroundings",
    surroundings: {
      interfaces: [
        { name: "eth0", link: { up: true, carrier: true }, sides: ["public"], ownAddress: true },
        { name: "eth1", link: { up: isUp, carrier: isUp }, sides: ["private"], ownAddress: true },
      ],
      defaultRoutes: ["inet"],
      settingsLost: [],
    },
  };
}

function active(): TestRouter {
  const router = new TestRouter().boot();
  router.feed(surroundings(true));
  router.meet(peer("passing"));
  router.leased();
  router.renews = true;
  return router;
}

function failing(router: TestRouter): Input {
  return { kind: "gates", gates: [{ name: "proxy", state: "failing", sinceMs: router.nowMs, effect: "hand-over" }] };
}

function next(router: TestRouter): string {
  return outlook(router.state, CONFIG, router.nowMs);
}

describe("outlook() of an active that does not move says what it waits for", () => {
  test.each<[GateState | undefined, string]>([
    ["failing", "stays active though gate proxy fails: it fails on lvs2 as well; it waits for that to pass for 30s"],
    ["unknown", "stays active though gate proxy fails: lvs2 does not know yet whether its own passes"],
    [undefined, "stays active though gate proxy fails: lvs2 has no gate of that name"],
  ])("where the peer's gate is %s", (state, text) => {
    const router = active();
    router.feed(failing(router));
    router.hearFor(3_000, peer(state));
    expect(next(router)).toBe(text);
  });

  test("and until when, where the peer's gate has just recovered", () => {
    const router = active();
    router.hearFor(1_000, peer("failing"));
    router.feed(failing(router));
    router.hearFor(12_000, peer("recovering"));
    expect(next(router)).toMatch(
      /^hands over to lvs2 when gate proxy, which fails here, has passed there for 30s: in 18(\.\d)?s at the latest/,
    );
  });

  test("and until when, where it moved for such a reason a short while ago", () => {
    const router = active();
    router.state = { ...router.state, damping: { movedAtMs: router.nowMs - 4_000, pauseMs: 30_000 } };
    router.feed(failing(router));
    expect(next(router)).toBe(
      "hands over to lvs2: gate proxy fails here and passes there; it waits 26s more, since the VIPs moved for a reason of this kind 4s ago",
    );
  });

  test("where no router could serve a VIP", () => {
    const router = active();
    router.feed(surroundings(false));
    router.hearFor(1_000, peer("passing", "no-interface", false));
    expect(next(router)).toBe(
      "stays active; lvs2 could not serve 10.0.0.1 either: eth1 is down here, and on lvs2 there is no interface eth1; it waits for one of the two to be mended",
    );
  });

  test("and why the peer could not take over", () => {
    const router = active();
    const passing = { name: "proxy", state: "passing", sinceMs: 0, effect: "hand-over" } as const;
    router.feed({ kind: "gates", gates: [passing] });
    router.hearFor(1_000, peer("failing", undefined, false));
    expect(next(router)).toBe("stays active; lvs2 is not ready to take over: gate proxy fails there and passes here");
  });
});

test.each([
  [undefined, "lvs2 takes the VIPs as soon as it can: the peer is not ready; that is waited for, for 50s more at most"],
  [1_000, "lvs2 takes the VIPs now"],
])("outlook() of a planned move says what it waits for: %p", (offeredAtMs, text) => {
  const router = active();
  router.hear(peer("passing", undefined, false));
  const offered = offeredAtMs === undefined ? {} : { offeredAtMs };
  const move = { id: 1, reason: "operator", sinceMs: router.nowMs - 10_000, limitMs: 60_000, ...offered } as const;
  router.state = { ...router.state, move };
  expect(next(router)).toBe(text);
});

test("outlook() says that the wait for a fail-back has grown, and why", () => {
  const router = active();
  const settings = { ...router.state.settings, router: "backup" as const };
  const failback = { stableMs: 120_000, readySinceMs: router.nowMs - 20_000 };
  router.state = { ...router.state, settings, failback };
  expect(next(router)).toBe(
    "gives the VIPs back to lvs1 in 1m 40s, if it stays ready until then; that wait has grown from 30s to 2m 0s by 2 moves back that did not last",
  );
});

describe("transitionWhy()", () => {
  const moved = (reason: TransitionReason, ...causes: readonly (readonly [string, string])[]) =>
    transitionWhy({
      atMs: 1,
      from: "active",
      to: "standby",
      term: 2,
      reason,
      causes: causes.map(([name, text]) => ({ atMs: 1, name, text })),
    });

  test("names what led to a hand-over", () => {
    const worse = "the peer is the better place for the VIPs: gate proxy fails here and passes there";
    expect(moved("handed-over", ["worse-place", worse], ["move", "planned move to the peer: gate"])).toBe(
      "handed over to the peer: gate proxy fails here and passes there",
    );
  });

  test.each(MOVE_REASONS.map((reason) => [reason] as const))("has words for %s, at the new owner too", (reason) => {
    const words = moved("handed-over", ["offer", `the active offers the VIPs: ${reason}`]);
    expect(words.startsWith("handed over to the peer: ")).toBe(true);
    expect(words).toBe(moved("handed-over", ["move", `planned move to the peer: ${reason}`]));
  });

  test("says no more where the chain does not", () => {
    expect([moved("handed-over"), moved("peer-silent")]).toEqual([
      "handed over to the peer",
      "the peer was silent on all paths",
    ]);
  });
});

describe("pendingFailback()", () => {
  const heard = { role: "active", term: 1, lastActiveTerm: 1 } as const;
  const backup = (more: { readonly hold?: boolean } = {}) => {
    const router = new TestRouter({ settings: { router: "backup" } }).boot();
    router.state = {
      ...router.state,
      ...more,
      phase: { kind: "active", reason: "peer-silent", sinceMs: router.nowMs },
    };
    return router;
  };
  test.each([
    ["the backup took over", () => backup(), "pending"],
    ["the backup took over, and it is held", () => backup({ hold: true }), "none"],
    ["the primary is active", active, "none"],
    ["the backup is standby", () => new TestRouter({ settings: { router: "backup" } }).boot().meet(heard), "none"],
    ["the primary is standby, and cannot tell", () => new TestRouter().boot().meet(heard), "unknown"],
    [
      "the primary is standby, and none is wanted",
      () => new TestRouter({ settings: { failback: "manual" } }).boot().meet(heard),
      "none",
    ],
  ] as const)("%s", (_, made, expected) => expect(pendingFailback(made().state)).toBe(expected));
});
