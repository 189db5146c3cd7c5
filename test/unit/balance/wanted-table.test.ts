import { describe, expect, test } from "bun:test";
import { type Health, UNKNOWN_HEALTH } from "../../../src/balance/health/verdict.ts";
import { drainsOf } from "../../../src/balance/servers/drains.ts";
import { unitsOf } from "../../../src/balance/servers/service-units.ts";
import { wantedService } from "../../../src/balance/wanted-table.ts";
import type { ConfiguredService } from "../../../src/config/keys/config.ts";
import {
  checked,
  configuredService,
  endpoint,
  realServer,
  serviceKey,
  TCP_CHECK,
} from "../../support/balance-fixtures.ts";

const UP: Health = { verdict: "up", refused: false };
const DOWN: Health = { verdict: "down", refused: false };
const DRAIN = [
  { kind: "drain", service: serviceKey("tcp://203.0.113.10:80"), server: endpoint("10.0.0.11:80") },
] as const;

function wanted(service: Partial<ConfiguredService>, healths: readonly Health[], drains = drainsOf([]), nowMs = 0) {
  const { units, probes } = unitsOf([configuredService(service)]);
  const byKey = new Map([...probes.keys()].map((key, index) => [key, healths[index] ?? UNKNOWN_HEALTH]));
  const unit = [...units.values()][0];
  if (unit === undefined) throw new Error("no unit");
  const { servers, undecided, work, changesMs } = wantedService(unit, (key) => byKey.get(key), drains, nowMs);
  return {
    servers: Object.fromEntries(servers.map((server) => [server.endpoint.address.text, server.weight])),
    undecided: undecided.map((server) => server.endpoint.address.text),
    work,
    ...(changesMs === undefined ? {} : { changesMs }),
  };
}

describe("wantedService()", () => {
  test("has the servers that are up", () => {
    expect(wanted({}, [UP, DOWN])).toEqual({ servers: { "10.0.0.11": 1 }, undecided: [], work: "normal" });
  });

  test("leaves those without a verdict undecided", () => {
    expect(wanted({}, [UP])).toEqual({ servers: { "10.0.0.11": 1 }, undecided: ["10.0.0.12"], work: "normal" });
  });

  test("always has those that are not checked", () => {
    expect(wanted({ servers: [{ server: realServer("10.0.0.9:80") }] }, [])).toEqual({
      servers: { "10.0.0.9": 1 },
      undecided: [],
      work: "normal",
    });
  });

  test("keeps failed servers with weight 0 where they are quiesced", () => {
    expect(wanted({ onFailure: "quiesce" }, [UP, DOWN]).servers).toEqual({ "10.0.0.11": 1, "10.0.0.12": 0 });
  });

  test("has a drained server with weight 0 and an overridden one with the ordered weight", () => {
    const override = [{ ...DRAIN[0], kind: "weight", weight: 7 }] as const;
    expect([wanted({}, [UP, UP], drainsOf(DRAIN)).servers, wanted({}, [UP, UP], drainsOf(override)).servers]).toEqual([
      { "10.0.0.11": 0, "10.0.0.12": 1 },
      { "10.0.0.11": 7, "10.0.0.12": 1 },
    ]);
  });

  test("gives the work to the sorry server when none is left", () => {
    const sorry = realServer("10.0.0.99:80");
    expect(wanted({ sorry }, [DOWN, DOWN])).toEqual({ servers: { "10.0.0.99": 1 }, undecided: [], work: "sorry" });
  });

  test("does not give it to the sorry server while a server has no verdict yet", () => {
    expect(wanted({ sorry: realServer("10.0.0.99:80") }, [DOWN]).work).toBe("normal");
  });

  test("gives it to the sorry server when all that are up are drained", () => {
    const sorry = realServer("10.0.0.99:80");
    const { servers, work } = wanted({ sorry }, [UP, DOWN], drainsOf(DRAIN));
    expect({ servers, work }).toEqual({ servers: { "10.0.0.11": 0, "10.0.0.99": 1 }, work: "sorry" });
  });

  test("lets a sorry server be one of the real servers", () => {
    const sorry = realServer("10.0.0.11:80", { weight: 5 });
    expect(wanted({ sorry, onFailure: "quiesce" }, [DOWN, DOWN]).servers).toEqual({ "10.0.0.11": 5, "10.0.0.12": 0 });
  });

  test("says so when nobody is left", () => {
    expect(wanted({}, [DOWN, DOWN])).toEqual({ servers: {}, undecided: [], work: "none" });
  });

  // It was said that no real server was up.
  test("says so when all that are up are drained", () => {
    expect(wanted({}, [UP, DOWN], drainsOf(DRAIN))).toEqual({
      servers: { "10.0.0.11": 0 },
      undecided: [],
      work: "drained",
    });
  });

  test("keeps the last good set when all died at once", () => {
    const fell: Health = { ...DOWN, failingSinceMs: 1_000 };
    expect(wanted({ sorry: realServer("10.0.0.99:80") }, [fell, fell])).toEqual({
      servers: { "10.0.0.11": 1, "10.0.0.12": 1 },
      undecided: [],
      work: "last-good",
    });
  });

  test("does not keep dead servers where one that is not checked has the work", () => {
    const fell: Health = { ...DOWN, failingSinceMs: 1_000 };
    const servers = [checked("10.0.0.11:80"), checked("10.0.0.12:80"), { server: realServer("10.0.0.13:80") }];
    expect(wanted({ servers }, [fell, fell]).servers).toEqual({ "10.0.0.13": 1 });
  });

  test("gives a recovered server a part of its weight, and says when it changes", () => {
    const back: Health = { ...UP, recoveredMs: 1_000 };
    const servers = [checked("10.0.0.11:80", TCP_CHECK, { weight: 110 })];
    expect(wanted({ servers, slowStartMs: 10_000 }, [back], drainsOf([]), 1_500)).toEqual({
      servers: { "10.0.0.11": 10 },
      undecided: [],
      work: "normal",
      changesMs: 2_000,
    });
  });
});
