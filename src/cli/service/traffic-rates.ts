/** What goes through in a second, from the counters of two moments. */
import type { ObservedService, TrafficStats } from "../../model/ipvs-table.ts";
import { realServerKey } from "../../model/real-server.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { formatCount } from "../output/figures.ts";

export interface TrafficRates {
  readonly connections: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The rates of services and servers, by their later counters. */
export type RateTable = ReadonlyMap<TrafficStats, TrafficRates>;

/** A counter that has become smaller was zeroed meanwhile: then it counted from 0. */
function perSecond(before: bigint, after: bigint, elapsedMs: number): number {
  return (Number(after < before ? after : after - before) * 1000) / elapsedMs;
}

/** @param elapsedMs the time between the two, more than 0. */
export function ratesBetween(before: TrafficStats, after: TrafficStats, elapsedMs: number): TrafficRates {
  return {
    connections: perSecond(before.connections, after.connections, elapsedMs),
    packetsIn: perSecond(before.packetsIn, after.packetsIn, elapsedMs),
    packetsOut: perSecond(before.packetsOut, after.packetsOut, elapsedMs),
    bytesIn: perSecond(before.bytesIn, after.bytesIn, elapsedMs),
    bytesOut: perSecond(before.bytesOut, after.bytesOut, elapsedMs),
  };
}

const NO_TRAFFIC = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };

/** All counters of a table, by what they count. */
function countersOf(table: readonly ObservedService[]): Map<string, TrafficStats> {
  const counters = new Map<string, TrafficStats>();
  for (const { service, servers, stats } of table) {
    const name = formatServiceKey(service.key);
    counters.set(name, stats);
    for (const { server, stats: own } of servers) counters.set(`${name} ${realServerKey(server)}`, own);
  }
  return counters;
}

/** The rates between two readings of the table. What was not there before began at 0. */
export function rateTable(
  before: readonly ObservedService[],
  after: readonly ObservedService[],
  elapsedMs: number,
): RateTable {
  const earlier = countersOf(before);
  return new Map(
    [...countersOf(after)].map(([name, stats]) => [
      stats,
      ratesBetween({ ...stats, ...NO_TRAFFIC, ...earlier.get(name) }, stats, elapsedMs),
    ]),
  );
}

/** So many a second: `0.5`, `12`, `4.5M`. */
export function formatRate(value: number): string {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : formatCount(BigInt(Math.round(value)));
}
