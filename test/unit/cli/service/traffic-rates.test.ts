import { describe, expect, test } from "bun:test";
import { formatRate, ratesBetween, rateTable } from "../../../../src/cli/service/traffic-rates.ts";
import type { ObservedService, TrafficStats } from "../../../../src/model/ipvs-table.ts";
import { realServer, virtualService } from "../../../support/balance-fixtures.ts";

function stats(count: bigint): TrafficStats {
  return {
    connections: count,
    packetsIn: 2n * count,
    packetsOut: 3n * count,
    bytesIn: 4n * count,
    bytesOut: 5n * count,
    connectionsPerSecond: 0n,
    packetsInPerSecond: 0n,
    packetsOutPerSecond: 0n,
    bytesInPerSecond: 0n,
    bytesOutPerSecond: 0n,
  };
}

const rates = (count: number) => ({
  connections: count,
  packetsIn: 2 * count,
  packetsOut: 3 * count,
  bytesIn: 4 * count,
  bytesOut: 5 * count,
});

function table(service: bigint, servers: Readonly<Record<string, bigint>>): ObservedService[] {
  return [
    {
      service: virtualService("tcp://203.0.113.10:80"),
      stats: stats(service),
      servers: Object.entries(servers).map(([text, count]) => ({
        server: realServer(text),
        activeConnections: 0,
        inactiveConnections: 0,
        persistentConnections: 0,
        stats: stats(count),
      })),
    },
  ];
}

describe("traffic rates", () => {
  test("ratesBetween() counts over the time that passed, also past 2^53", () => {
    const base = 2n ** 60n;
    expect(ratesBetween(stats(base), stats(base + 1000n), 2_000)).toEqual(rates(500));
  });

  test("ratesBetween() takes a counter that was zeroed for one that began at 0", () => {
    expect(ratesBetween(stats(5_000n), stats(100n), 1_000)).toEqual(rates(100));
  });

  test("rateTable() finds each service and server again, whatever their order", () => {
    const after = table(30n, { "10.0.0.12:80": 20n, "10.0.0.11:80": 10n });
    const found = rateTable(table(10n, { "10.0.0.11:80": 5n }), after, 1_000);
    const servers = after[0]?.servers ?? [];
    expect([after[0]?.stats, ...servers.map((server) => server.stats)].map((own) => own && found.get(own))).toEqual([
      rates(20),
      rates(20),
      rates(5),
    ]);
  });

  test.each([
    [0, "0"],
    [0.5, "0.5"],
    [9.96, "10.0"],
    [12.4, "12"],
    [1_234_567, "1.2M"],
  ])("formatRate(%d) is %s", (value, text) => {
    expect(formatRate(value)).toBe(text);
  });
});
