import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Health, UNKNOWN_HEALTH } from "../../src/balance/health/verdict.ts";
import { drainsOf } from "../../src/balance/servers/drains.ts";
import { type Unit, unitsOf } from "../../src/balance/servers/service-units.ts";
import { wantedService } from "../../src/balance/wanted-table.ts";
import { formatEndpoint } from "../../src/model/address.ts";
import { checked, configuredService, realServer, TCP_CHECK } from "../support/balance-fixtures.ts";

/** What is wanted of the kernel for one service, whatever its servers' healths, the orders and the settings. */

const SORRY = "10.0.9.9:80";
const NOW_MS = 1_000_000;

const anyServer = fc.record({
  verdict: fc.constantFrom("up" as const, "down" as const, "unknown" as const),
  refused: fc.boolean(),
  failingAgoMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
  recoveredAgoMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
  weight: fc.integer({ min: 0, max: 100 }),
  weightPercent: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  isDrained: fc.boolean(),
});

const anySettings = fc.record({
  onFailure: fc.constantFrom("remove" as const, "quiesce" as const),
  hasSorry: fc.boolean(),
  panicPercent: fc.integer({ min: 0, max: 100 }),
  slowStartMs: fc.constantFrom(0, 10_000),
  needed: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  wasQuorate: fc.boolean(),
});

type Server = typeof anyServer extends fc.Arbitrary<infer T> ? T : never;
type Settings = typeof anySettings extends fc.Arbitrary<infer T> ? T : never;

function nameOf(index: number): string {
  return `10.0.0.${index + 1}:80`;
}

function healthOf({ verdict, refused, failingAgoMs, recoveredAgoMs, weightPercent }: Server): Health {
  if (verdict === "unknown") return UNKNOWN_HEALTH;
  return {
    verdict,
    refused: verdict === "down" && refused,
    ...(verdict === "down" && failingAgoMs !== undefined ? { failingSinceMs: NOW_MS - failingAgoMs } : {}),
    ...(verdict === "up" && recoveredAgoMs !== undefined ? { recoveredMs: NOW_MS - recoveredAgoMs } : {}),
    ...(weightPercent === undefined ? {} : { weightPercent }),
  };
}

function unitFor(servers: readonly Server[], settings: Settings): Unit {
  const { onFailure, hasSorry, panicPercent, slowStartMs, needed } = settings;
  const service = configuredService({
    servers: servers.map(({ weight }, index) => checked(nameOf(index), TCP_CHECK, { weight })),
    onFailure,
    panicPercent,
    slowStartMs,
    ...(hasSorry ? { sorry: realServer(SORRY) } : {}),
    ...(needed === undefined ? {} : { quorum: { by: "servers", needed, hysteresis: 0 } }),
  });
  const [unit] = unitsOf([service]).units.values();
  if (unit === undefined) throw new Error("a service makes a unit");
  return unit;
}

function wanted(servers: readonly Server[], settings: Settings) {
  const unit = unitFor(servers, settings);
  const healths = new Map(
    unit.servers.flatMap(({ probes }, index) => {
      const server = servers[index];
      return server === undefined ? [] : probes.map(({ key }) => [key, healthOf(server)] as const);
    }),
  );
  const drains = drainsOf(
    unit.servers.flatMap(({ server }, index) =>
      servers[index]?.isDrained === true
        ? [{ kind: "drain" as const, service: unit.service.key, server: server.endpoint }]
        : [],
    ),
  );
  const result = wantedService(unit, (key) => healths.get(key), drains, NOW_MS, settings.wasQuorate);
  const weights = new Map(result.servers.map(({ endpoint, weight }) => [formatEndpoint(endpoint), weight]));
  const undecided = new Set(result.undecided.map(({ endpoint }) => formatEndpoint(endpoint)));
  return { result, weights, undecided };
}

const anyService = fc.tuple(fc.array(anyServer, { minLength: 1, maxLength: 6 }), anySettings);

test("wantedService() gives each server what its verdict, its orders and its program leave it", () => {
  fc.assert(
    fc.property(anyService, ([servers, settings]) => {
      const { result, weights, undecided } = wanted(servers, settings);
      // Without a quorum the sorry server has all of the work, and nobody else is in the table.
      fc.pre(result.quorate || !settings.hasSorry);
      for (const [index, server] of servers.entries()) {
        const weight = weights.get(nameOf(index));
        expect(undecided.has(nameOf(index))).toBe(server.verdict === "unknown");
        if (weight !== undefined) expect(weight).toBeLessThanOrEqual(server.weight);
        if (server.isDrained) expect(weight ?? 0).toBe(0);
        const isWanted = !server.isDrained && server.weight > 0 && server.weightPercent !== 0;
        // Slow start and a program may take most of a weight, but never the last unit, unless the program says 0.
        if (server.verdict === "up") expect([weight !== undefined, (weight ?? 0) > 0]).toEqual([true, isWanted]);
        if (server.verdict === "down" && result.work !== "last-good") {
          expect(weight).toBe(settings.onFailure === "quiesce" ? 0 : undefined);
        }
        // A machine that says no by itself is not kept.
        if (server.verdict === "down" && server.refused) expect(weight ?? 0).toBe(0);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("wantedService() gives the sorry server work exactly when no real server has any, or too few are up", () => {
  fc.assert(
    fc.property(anyService, ([servers, settings]) => {
      const { result, weights, undecided } = wanted(servers, settings);
      const takes = [...weights].some(([name, weight]) => name !== SORRY && weight > 0);
      expect(weights.has(SORRY)).toBe(result.work === "sorry");
      if (!settings.hasSorry) expect(result.work).not.toBe("sorry");
      if (result.work === "none") expect([takes, undecided.size, settings.hasSorry]).toEqual([false, 0, false]);
      if (result.work === "drained") expect([takes, servers.some(({ isDrained }) => isDrained)]).toEqual([false, true]);
      if (result.work === "normal") expect(takes || undecided.size > 0).toBe(true);
      if (takes) expect(result.work).not.toBe("sorry");
    }),
    { numRuns: 2_000 },
  );
});

test("wantedService() keeps the last good servers only when no more are up than the panic threshold allows", () => {
  fc.assert(
    fc.property(anyService, ([servers, settings]) => {
      const { result } = wanted(servers, settings);
      if (result.work !== "last-good") return;
      const judged = servers.filter(({ verdict }) => verdict !== "unknown");
      const up = judged.filter(({ verdict }) => verdict === "up").length;
      expect(up * 100).toBeLessThanOrEqual(settings.panicPercent * judged.length);
    }),
    { numRuns: 2_000 },
  );
});
