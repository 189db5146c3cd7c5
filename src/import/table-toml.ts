import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/parse.ts";
import { formatEndpoint } from "../model/address.ts";
import { formatDuration } from "../model/duration.ts";
import type { WantedService } from "../model/ipvs-table.ts";
import type { RealServer, Tunnel } from "../model/real-server.ts";
import { formatSchedulerFlag } from "../model/scheduler-flag.ts";
import { formatServiceKey, type Persistence, type VirtualService } from "../model/virtual-service.ts";
import type { TableResult } from "./table-result.ts";

/** A saved table is the `[[service]]` part of a configuration; this completes it. At the end, so that lines stay. */
const REST_OF_A_CONFIGURATION = `
[pair]
key_file = "/etc/tandem/pair.key"
primary  = { name = "primary", public = "192.0.2.1", private = "198.51.100.1" }
backup   = { name = "backup", public = "192.0.2.2", private = "198.51.100.2" }
`;

function text(value: string): string {
  return JSON.stringify(value);
}

function persistenceText({ timeoutSeconds, prefixLength, engine }: Persistence): string {
  const engineText = engine === undefined ? "" : `, engine = ${text(engine)}`;
  return `{ timeout = ${text(formatDuration(timeoutSeconds * 1000))}, prefix = ${prefixLength}${engineText} }`;
}

function serviceLines(
  { key, scheduler, schedulerFlags, persistence, onePacket }: VirtualService,
  index: number,
): string[] {
  const flags = schedulerFlags.map((flag) => text(formatSchedulerFlag(scheduler, flag)));
  return [
    "[[service]]",
    `name = ${text(`service-${index + 1}`)}`,
    `listen = ${text(formatServiceKey(key))}`,
    `scheduler = ${text(scheduler)}`,
    ...(flags.length === 0 ? [] : [`scheduler_flags = [${flags.join(", ")}]`]),
    ...(persistence === undefined ? [] : [`persistence = ${persistenceText(persistence)}`]),
    ...(onePacket ? ["one_packet = true"] : []),
    "check = false",
  ];
}

function tunnelText({ type, port, checksum }: Tunnel): string {
  const portText = port === 0 ? "" : `, port = ${port}`;
  return `{ type = ${text(type)}${portText}, checksum = ${text(checksum)} }`;
}

function serverLines({ endpoint, forward, weight, upperThreshold, lowerThreshold, tunnel }: RealServer): string[] {
  // An address of this machine is no forwarding of its own: the kernel finds that out again by itself.
  const way = forward === "nat" || forward === "tunnel" ? forward : "direct";
  return [
    "  [[service.real]]",
    `  address = ${text(formatEndpoint(endpoint))}`,
    `  forward = ${text(way)}`,
    `  weight = ${weight}`,
    ...(upperThreshold === 0 ? [] : [`  upper_threshold = ${upperThreshold}`]),
    ...(lowerThreshold === 0 ? [] : [`  lower_threshold = ${lowerThreshold}`]),
    ...(tunnel === undefined ? [] : [`  tunnel = ${tunnelText(tunnel)}`]),
  ];
}

/** A table as the `[[service]]` part of a configuration. Ends with a newline; empty for no services. */
export function formatTable(services: readonly WantedService[]): string {
  const lines = services.flatMap(({ service, servers }, index) => [
    ...(index === 0 ? [] : [""]),
    ...serviceLines(service, index),
    ...servers.flatMap(serverLines),
  ]);
  return lines.map((line) => `${line}\n`).join("");
}

function tableOf(config: Config): WantedService[] {
  return config.services.flatMap(({ listen, servers }) =>
    listen.map((service) => ({ service, servers: servers.map(({ server }) => server) })),
  );
}

/** Reads what `formatTable` writes, or the services of a whole configuration. Pure; every mistake is told, none throws. */
export function parseTable(source: string): TableResult {
  const isWhole = /^\s*\[\s*pair\b/m.test(source);
  const result = parseConfig(isWhole ? source : `${source}${REST_OF_A_CONFIGURATION}`);
  // Warnings are about a pair of routers, which a table is not.
  return result.ok ? { ok: true, services: tableOf(result.config), warnings: [] } : result;
}
