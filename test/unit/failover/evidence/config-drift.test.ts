import { describe, expect, test } from "bun:test";
import { differences, reportOf, withRange } from "../../../../src/failover/evidence/config-drift.ts";
import type { SettingDigest } from "../../../../src/model/setting-digest.ts";
import { TestRouter } from "../../../support/failover.ts";

const OTHER = "00000000000000bb";
/** Forty settings, the values of which differ from 30 on. */
const OWN = Array.from({ length: 40 }, (_, index) => setting(index, index));
const THEIRS = Array.from({ length: 42 }, (_, index) => setting(index, index < 30 ? index : 0));

function setting(index: number, value: number): SettingDigest {
  return { name: `s${index}`, place: 100 - index, id: index * 1_000, values: [value] };
}

/** The peer is heard with another configuration, and this router's own settings are there. */
function differ(router: TestRouter): void {
  router.hear({ configFingerprint: OTHER });
  const fingerprint = router.state.settings.configFingerprint;
  router.feed({ kind: "setting-digests", fingerprint, digests: OWN });
  router.effects = [];
}

function sentSettings(router: TestRouter) {
  return router.all("send-heartbeat").map(({ heartbeat: { payload } }) => payload.settings);
}

describe("withRange()", () => {
  const ranges = [
    { from: 10, to: 19 },
    { from: 30, to: 39 },
  ];
  test.each([
    [20, 29, [{ from: 10, to: 39 }]],
    [0, 9, [{ from: 0, to: 19 }, ranges[1]]],
    [40, 40, [ranges[0], { from: 30, to: 40 }]],
    [50, 60, [...ranges, { from: 50, to: 60 }]],
    [22, 25, [ranges[0], { from: 22, to: 25 }, ranges[1]]],
    [12, 13, undefined],
    [19, 20, undefined],
    [0, 99, undefined],
  ])("with %i to %i", (from, to, expected) => {
    expect(withRange(ranges, { from, to })).toEqual(expected as typeof ranges | undefined);
  });

  test("has a bound", () => {
    const many = Array.from({ length: 64 }, (_, index) => ({ from: index * 10, to: index * 10 }));
    expect(withRange(many, { from: 5, to: 5 })).toBeUndefined();
    expect(withRange(many, { from: 1, to: 9 })).toHaveLength(63);
  });
});

describe("two routers with different configurations", () => {
  const views = ["alive" as const];
  const services = [{ name: "web", patienceMs: 1_000 }];
  const made = () => {
    const router = new TestRouter({ settings: { services } }).becomeActive();
    router.feed({ kind: "views", sights: views });
    router.effects = [];
    return router;
  };

  test("tell each other their settings in parts, in the place of their views, and stop with the difference", () => {
    const router = made();
    router.hearFor(400);
    expect(new Set(sentSettings(router))).toEqual(new Set([undefined]));
    differ(router);
    router.hearFor(2_000, { configFingerprint: OTHER });
    const sent = router.all("send-heartbeat").map(({ heartbeat: { payload } }) => payload);
    expect(sent.map((payload) => payload.views)).not.toContainEqual(expect.anything());
    const told = new Map(sent.flatMap(({ settings }) => settings?.settings ?? []).map(({ id, value }) => [id, value]));
    expect(told).toEqual(new Map(OWN.map(({ id, values: [value = 0] }) => [id, value])));
    router.hear();
    router.effects = [];
    router.hearFor(400);
    expect(new Set(sentSettings(router))).toEqual(new Set([undefined]));
  });

  test("ask for what they compare once, and take no other configuration's", () => {
    const router = made();
    const asked = () => router.all("digest-settings").length;
    router.hearFor(1_000, { configFingerprint: OTHER });
    expect(asked()).toBe(1);
    router.feed({ kind: "setting-digests", fingerprint: OTHER, digests: OWN });
    expect(router.state.settingDigests).toEqual([]);
    differ(router);
    expect(router.state.settingDigests).toEqual(OWN);
    router.feed({ kind: "reload", settings: { ...router.state.settings } });
    router.feed({ kind: "setting-digests", fingerprint: router.state.settings.configFingerprint, digests: OWN });
    expect(router.state.settingDigests).toBeUndefined();
    router.effects = [];
    router.hear({ configFingerprint: OTHER });
    expect(asked()).toBe(1);
  });

  const tell = (router: TestRouter, numbers: readonly number[], configFingerprint = OTHER) => {
    for (const number of numbers) router.hear({ configFingerprint, settings: reportOf(THEIRS, number) });
  };

  test("know all once all is told, by the names in the order of the configuration", () => {
    const router = made();
    differ(router);
    tell(router, [0, 1, 2, 3, 4]);
    expect(differences(router.state)).toBeUndefined();
    tell(router, [5, 5, 0]);
    const names = Array.from({ length: 10 }, (_, index) => `s${39 - index}`);
    expect(differences(router.state)).toEqual({ names, missing: 2 });
  });

  test.each([
    ["when they are the same again", (router: TestRouter) => router.hear()],
    ["with a third configuration", (router: TestRouter) => tell(router, [0], "00000000000000cc")],
    [
      "after a reload here",
      (router: TestRouter) => router.feed({ kind: "reload", settings: { ...router.state.settings } }),
    ],
  ])("forget what differed %s", (_when, act) => {
    const router = made();
    differ(router);
    tell(router, [0, 1, 2, 3, 4, 5]);
    expect(differences(router.state)?.missing).toBe(2);
    act(router);
    expect(differences(router.state)).toBeUndefined();
  });

  test("have in their logs in what they differ, some of it, once", () => {
    const router = made();
    differ(router);
    const said = () =>
      router
        .all("notice")
        .filter(({ name }) => name === "config-differs")
        .map(({ text }) => text);
    tell(router, [0, 1, 2, 3, 4]);
    expect(said()).toEqual([]);
    tell(router, [5, 0, 1, 2, 3, 4, 5]);
    expect(said()).toEqual([
      "the peer's configuration differs in s39, s38, s37 and 7 more, and 2 that only the peer has",
    ]);
  });

  test("of which one is of an older version know only that they differ", () => {
    const router = made();
    differ(router);
    router.hearFor(4_000, { configFingerprint: OTHER });
    expect(differences(router.state)).toBeUndefined();
  });
});
