/** What the machine tells of itself, where the decisions are the same. */
import { describe, expect, test } from "bun:test";
import type { Input } from "../../../src/failover/machine/failover-input.ts";
import { causesOf } from "../../../src/failover/machine/history.ts";
import type { State } from "../../../src/failover/machine/state.ts";
import { address } from "../../../src/model/address.ts";
import type { Vip } from "../../../src/model/vip.ts";
import { vip } from "../../simulation/world.ts";
import { PRIVATE_VIP, PUBLIC_VIP, SETTINGS, TestRouter } from "../../support/failover.ts";

const THIRD = vip("198.51.100.10/24", "eth2", "public");
const LINK = { up: true, carrier: true };

function surroundings(...names: readonly string[]): Input {
  const sides = { eth0: ["public"], eth1: ["private"] } as const;
  return {
    kind: "surroundings",
    surroundings: {
      interfaces: names.map((name) => ({
        name,
        ...(name === "eth2" ? {} : { link: LINK }),
        sides: name === "eth0" || name === "eth1" ? sides[name] : [],
        ownAddress: true,
      })),
      defaultRoutes: ["inet"],
      settingsLost: [],
    },
  };
}

const WITH_THIRD = { ...SETTINGS, vips: [...SETTINGS.vips, THIRD] };

describe("while a reload takes away a VIP that could not be served", () => {
  test("it is not said that it could be served again", () => {
    const router = new TestRouter({ settings: WITH_THIRD });
    router.boot();
    router.feed(surroundings("eth0", "eth1", "eth2"));
    // The picture of the new configuration comes before the configuration itself.
    const effects = router.feed(surroundings("eth0", "eth1"), { kind: "reload", settings: SETTINGS });
    expect(router.all("notice", effects)).toEqual([]);
  });
});

describe("who confirms a VIP is kept by its interface", () => {
  /** An active with a VIP on a third interface that has just announced its VIPs. */
  function announced(): { readonly router: TestRouter; answer: (vip: Vip, by: string) => void } {
    const router = new TestRouter({ settings: WITH_THIRD }).becomeActive();
    const answer = ({ prefix }: Vip, by: string) => {
      const verification = router.last("verify")?.verification ?? 0;
      router.feed({ kind: "verify-answer", verification, address: prefix.address, by: address(by), elapsedMs: 2 });
    };
    return { router, answer };
  }
  const confirmed = ({ confirmations }: State) => [...confirmations].map(([name, { by }]) => [name, by.text]);

  test("also of an interface that is neither side's, and after its side has been proven", () => {
    const { router, answer } = announced();
    answer(PUBLIC_VIP, "203.0.113.1");
    answer(PRIVATE_VIP, "10.0.0.11");
    answer(THIRD.vip, "198.51.100.1");
    expect(confirmed(router.state)).toEqual([
      ["eth0", "203.0.113.1"],
      ["eth1", "10.0.0.11"],
      ["eth2", "198.51.100.1"],
    ]);
  });

  test("and forgotten when the next verification had no answer there", () => {
    const { router, answer } = announced();
    router.renews = true;
    for (const each of [PUBLIC_VIP, PRIVATE_VIP, THIRD.vip]) answer(each, "203.0.113.1");
    for (let round = 0; round < 2; round += 1) {
      router.hearFor(61_000);
      for (const each of [PUBLIC_VIP, PRIVATE_VIP]) answer(each, "203.0.113.1");
    }
    router.hearFor(61_000);
    expect(router.state.confirmations.has("eth2")).toBe(false);
  });

  test("each interface is asked for, however many VIPs its side has", () => {
    const many = ["11", "12", "13", "14", "15"].map((last) => vip(`203.0.113.${last}/24`, "eth0", "public"));
    const router = new TestRouter({ settings: { ...SETTINGS, vips: [...SETTINGS.vips, ...many, THIRD] } });
    router.becomeActive();
    const first = router.all("verify")[0]?.vips.map(({ interface: name }) => name) ?? [];
    expect([first.filter((name) => name === "eth0").length, first.includes("eth2")]).toEqual([4, true]);
  });
});

describe("take, at a standby whose peer is not heard both ways", () => {
  const silent = () =>
    new TestRouter({ settings: { router: "backup" } })
      .boot()
      .meet({ role: "active", term: 1, lastActiveTerm: 1, holding: true });

  /** The peer's heartbeats pass on the wire, and none of them counts. */
  function speakFor(router: TestRouter, ms: number): void {
    for (let elapsed = 0; elapsed < ms; elapsed += 100) {
      router.feed({ kind: "peer-frame", path: "public", atMs: router.nowMs });
      router.advance(100);
      const kernel = { kind: "owner-answer", address: PUBLIC_VIP.prefix.address, interface: "eth0" } as const;
      for (const mac of router.state.peerMacs.values()) router.feed({ ...kernel, mac });
    }
  }

  test("is refused at once where the peer's heartbeats are seen and do not count", () => {
    const router = silent();
    speakFor(router, 2_500);
    router.feed({ kind: "operator", id: 7, command: { kind: "take", force: false } });
    expect(router.last("answer")).toMatchObject({ id: 7, ok: false });
    expect(router.last("answer")?.text).toContain("different keys; `take --force`");
  });

  test("ends as soon as that is known", () => {
    const router = silent();
    speakFor(router, 400);
    router.feed({ kind: "operator", id: 7, command: { kind: "take", force: false } });
    expect(router.last("answer")).toBeUndefined();
    speakFor(router, 2_000);
    expect(router.last("answer")?.text).toContain("the peer sends heartbeats that do not count here");
  });

  test("waits for a peer that may be dead", () => {
    const router = silent();
    router.advance(900);
    router.feed({ kind: "operator", id: 7, command: { kind: "take", force: false } });
    router.advance(400);
    router.leased();
    expect([router.last("answer")?.ok, router.state.phase.kind]).toEqual([true, "active"]);
  });
});

test("a recovery long before a transition is no cause of it, a failure is", () => {
  const at = (agoMs: number, name: string) => ({ atMs: 100_000 - agoMs, name, text: name });
  const trail = [at(59_000, "gate-failing"), at(50_000, "path-back"), at(40_000, "fit"), at(3_000, "carrier")];
  expect(causesOf(trail, 100_000).map(({ name }) => name)).toEqual(["gate-failing", "carrier"]);
});
