/** The kernel's table for people and as JSON. */
import { formatEndpoint } from "../../model/address.ts";
import type { ObservedServer, ObservedService, TrafficStats } from "../../model/ipvs-table.ts";
import { formatSchedulerFlag } from "../../model/scheduler-flag.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { describeForwarding, describeSettings } from "../changes/ipvs-changes.ts";
import { formatBytes, formatCount } from "../output/figures.ts";
import { type Cell, type Column, renderTable, type TableLayout } from "../output/table.ts";
import { formatRate, type RateTable } from "./traffic-rates.ts";

interface Shown {
  readonly stats: boolean;
  /** Undefined: not shown. */
  readonly rates: RateTable | undefined;
}

const STATS_COLUMNS: readonly Column[] = [
  { header: "CONNECTIONS", align: "right" },
  { header: "PACKETS IN", align: "right", dropOrder: 3 },
  { header: "PACKETS OUT", align: "right", dropOrder: 4 },
  { header: "BYTES IN", align: "right", dropOrder: 1 },
  { header: "BYTES OUT", align: "right", dropOrder: 2 },
];

const RATES_COLUMNS: readonly Column[] = [
  { header: "CONNS/S", align: "right" },
  { header: "PACKETS/S IN", align: "right", dropOrder: 3 },
  { header: "PACKETS/S OUT", align: "right", dropOrder: 4 },
  { header: "BYTES/S IN", align: "right", dropOrder: 1 },
  { header: "BYTES/S OUT", align: "right", dropOrder: 2 },
];

const COUNT_COLUMNS: readonly Column[] = [
  { header: "WEIGHT", align: "right", dropOrder: 5 },
  { header: "ACTIVE", align: "right", dropOrder: 6 },
  { header: "INACTIVE", align: "right", dropOrder: 8 },
  { header: "PERSISTENT", align: "right", dropOrder: 9 },
];

function columnsOf(shown: Shown): Column[] {
  return [
    { header: "SERVICE / REAL SERVER", cutLast: true },
    { header: "SETTINGS", flexible: true, dropOrder: shown.stats || shown.rates !== undefined ? 7 : 0 },
    ...COUNT_COLUMNS,
    ...(shown.stats ? STATS_COLUMNS : []),
    ...(shown.rates !== undefined ? RATES_COLUMNS : []),
  ];
}

function trafficCells(stats: TrafficStats, shown: Shown): string[] {
  const totals = shown.stats
    ? [
        formatCount(stats.connections),
        formatCount(stats.packetsIn),
        formatCount(stats.packetsOut),
        formatBytes(stats.bytesIn),
        formatBytes(stats.bytesOut),
      ]
    : [];
  const own = shown.rates?.get(stats);
  const rates =
    own === undefined
      ? []
      : [
          formatRate(own.connections),
          formatRate(own.packetsIn),
          formatRate(own.packetsOut),
          formatBytes(BigInt(Math.round(own.bytesIn))),
          formatBytes(BigInt(Math.round(own.bytesOut))),
        ];
  return [...totals, ...rates];
}

/** `, thresholds 100 to 200`; empty where there are none. */
export function thresholdText({ server: { lowerThreshold, upperThreshold } }: ObservedServer): string {
  return lowerThreshold === 0 && upperThreshold === 0 ? "" : `, thresholds ${lowerThreshold} to ${upperThreshold}`;
}

/** `nat`, `tunnel gre, thresholds 10 to 20`. */
export function serverSettings(observed: ObservedServer): string {
  return `${describeForwarding(observed.server)}${thresholdText(observed)}`;
}

/** Its counters of connections, its weight first; weight 0 stands out. */
export function serverCells(observed: ObservedServer): Cell[] {
  const weight = String(observed.server.weight);
  return [
    observed.server.weight === 0 ? { text: weight, tone: "warn" } : weight,
    String(observed.activeConnections),
    String(observed.inactiveConnections),
    String(observed.persistentConnections),
  ];
}

/** Lines of the table: each service, its real servers below it. */
export function serviceTable(table: readonly ObservedService[], shown: Shown, layout: TableLayout): string[] {
  const rows = table.flatMap((observed): Cell[][] => [
    [
      { text: formatServiceKey(observed.service.key), tone: "strong" },
      describeSettings(observed.service),
      "",
      "",
      "",
      "",
      ...trafficCells(observed.stats, shown),
    ],
    ...observed.servers.map((server): Cell[] => [
      `  ${formatEndpoint(server.server.endpoint)}`,
      serverSettings(server),
      ...serverCells(server),
      ...trafficCells(server.stats, shown),
    ]),
  ]);
  return renderTable(columnsOf(shown), rows, layout);
}

/** A real server for --json. */
export function serverJson(observed: ObservedServer, rates?: RateTable): Record<string, unknown> {
  const { server } = observed;
  return {
    server: formatEndpoint(server.endpoint),
    forward: server.forward,
    weight: server.weight,
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
    tunnel: server.tunnel ?? null,
    activeConnections: observed.activeConnections,
    inactiveConnections: observed.inactiveConnections,
    persistentConnections: observed.persistentConnections,
    stats: observed.stats,
    ...(rates === undefined ? {} : { rates: rates.get(observed.stats) ?? null }),
  };
}

/** The table for --json. */
export function servicesJson(table: readonly ObservedService[], rates?: RateTable): Record<string, unknown>[] {
  return table.map(({ service, servers, stats }) => ({
    service: formatServiceKey(service.key),
    scheduler: service.scheduler,
    schedulerFlags: service.schedulerFlags.map((flag) => formatSchedulerFlag(service.scheduler, flag)),
    persistence: service.persistence ?? null,
    onePacket: service.onePacket,
    stats,
    ...(rates === undefined ? {} : { rates: rates.get(stats) ?? null }),
    servers: servers.map((server) => serverJson(server, rates)),
  }));
}
