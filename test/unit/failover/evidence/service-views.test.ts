import { describe, expect, test } from "bun:test";
import { sightsOf } from "../../../../src/daemon/balancer/balancing.ts";
import { missedServices } from "../../../../src/failover/evidence/service-views.ts";
import type { ServiceSight } from "../../../../src/model/service-sight.ts";
import { VIEWS_WINDOW } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { TestRouter } from "../../../support/failover.ts";

const SIGHTS: Readonly<Record<string, ServiceSight>> = { a: "alive", d: "dead", u: "unknown" };

function sights(text: string): readonly ServiceSight[] {
  return [...text].map((letter) => SIGHTS[letter] ?? "unknown");
}

describe("missedServices()", () => {
  test.each([
    ["ad", "aa", [1]],
    ["aa", "aa", []],
    ["ad", "da", []],
    ["dd", "du", []],
    ["ud", "aa", [1]],
    ["au", "aa", []],
    ["dd", "aa", [0, 1]],
    ["d", "aa", []],
  ])("of %s compared with %s", (mine, theirs, missed) => {
    expect(missedServices(sights(mine), sights(theirs))).toEqual(missed);
  });
});

test("sightsOf() calls alive what has a server up, and dead only what is wholly known", () => {
  const view = { service: "", up: 0, down: 0, unknown: 0, configured: 2, work: "normal" } as const;
  const views = [
    { ...view, service: "alive", up: 1, down: 1 },
    { ...view, service: "dead", down: 2 },
    { ...view, service: "young", down: 1, unknown: 1 },
    { ...view, service: "empty", configured: 0 },
  ];
  const names = ["alive", "dead", "empty", "untold", "young"].map((name) => ({ name }));
  expect(sightsOf(names, views)).toEqual(["alive", "dead", "unknown", "unknown", "unknown"]);
});

describe("the views of the peer", () => {
  const services = Array.from({ length: 400 }, (_, index) => ({ name: `s${index}`, patienceMs: 1_000 }));

  test("of very many services come in parts, other ones with each heartbeat", () => {
    const router = new TestRouter({ settings: { services } }).becomeActive();
    router.feed({ kind: "views", sights: services.map(() => "alive") });
    router.effects = [];
    router.hearFor(2_000);
    const windows = router.all("send-heartbeat").map(({ heartbeat }) => heartbeat.payload.views?.from);
    expect([...new Set(windows)].toSorted((a = 0, b = 0) => a - b)).toEqual([0, VIEWS_WINDOW, 2 * VIEWS_WINDOW]);
  });

  test("are put together, and a warning names what this active misses", () => {
    const router = new TestRouter({ settings: { services } }).becomeActive();
    router.feed({ kind: "views", sights: services.map((_, index) => (index === 300 ? "dead" : "alive")) });
    for (let from = 0; from < services.length; from += VIEWS_WINDOW) {
      const part = services.slice(from, from + VIEWS_WINDOW).map(() => "alive" as const);
      router.hear({ views: { total: services.length, from, sights: part } });
    }
    const last = { views: { total: services.length, from: 0, sights: [] } };
    router.hearFor(800, last);
    const before = router.all("notice").some(({ name }) => name === "views-differ");
    router.hearFor(600, last);
    const told = router.all("notice").filter(({ name }) => name === "views-differ");
    expect([before, told.map(({ text }) => text)]).toEqual([
      false,
      ["the standby sees what this active does not: real servers of s300 are up"],
    ]);
  });

  test("of another configuration say nothing", () => {
    const router = new TestRouter({ settings: { services: services.slice(0, 1) } }).becomeActive();
    router.feed({ kind: "views", sights: ["dead"] });
    const views = { total: 1, from: 0, sights: ["alive"] } as const;
    router.hearFor(3_000, { views, configFingerprint: "00000000000000bb" });
    expect(router.state.missed).toBeUndefined();
  });
});
