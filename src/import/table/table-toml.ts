/** A saved table as TOML, read and written. */
import type { Config } from "../../config/keys/config.ts";
import { type Table, whole } from "../../config/keys/table-type.ts";
import { parseConfig } from "../../config/parse.ts";
import type { Place } from "../../config/places/place.ts";
import { parseTomlFile } from "../../config/toml/toml-file.ts";
import { tableLines } from "../../config/toml/toml-text.ts";
import { addressBits, type Family, formatEndpoint, parseAddress } from "../../model/address.ts";
import type { WantedService } from "../../model/ipvs-table.ts";
import type { RealServer, Tunnel } from "../../model/real-server.ts";
import { formatSchedulerFlag, parseSchedulerFlag, sortedSchedulerFlags } from "../../model/scheduler-flag.ts";
import {
  formatServiceKey,
  type Persistence,
  type SchedulerFlag,
  type ServiceKey,
  serviceFamily,
  type VirtualService,
} from "../../model/virtual-service.ts";
import { maskOf } from "../words/ipvsadm-values.ts";
import type { TableResult } from "./table-result.ts";
import { SAVED_FILE, SAVED_PERSISTENCE, SAVED_SERVERS, SAVED_SERVICES, SAVED_TUNNEL } from "./table-schema.ts";
import { resolveSettings, type SavedSettings, settingsText } from "./table-settings.ts";

type ServiceTable = Table<typeof SAVED_SERVICES.item.spec>;
type ServerTable = Table<typeof SAVED_SERVERS.item.spec>;
type PersistenceTable = Table<typeof SAVED_PERSISTENCE.spec>;

function resolvePersistence(table: PersistenceTable, family: Family): Persistence | undefined {
  const { timeout, prefix, netmask, engine } = table.fields;
  const bits = addressBits(family);
  if (prefix !== undefined && (prefix > bits || (prefix === 0 && bits === 128))) {
    table.place.key("prefix").error(`prefix (${prefix}) must be ${bits === 32 ? "0 to 32" : "1 to 128"} here`);
  }
  if (netmask !== undefined && (prefix !== undefined || family === "inet6")) {
    table.place.key("netmask").keyError("netmask is for IPv4 and stands in place of prefix");
  }
  const mask = netmask === undefined ? { prefixLength: prefix ?? bits } : maskOf(netmask);
  const parts = whole({ timeout });
  if (parts === undefined) return undefined;
  return { timeoutSeconds: parts.timeout / 1000, ...mask, ...(engine === undefined ? {} : { engine }) };
}

function resolveFlags(service: ServiceTable): readonly SchedulerFlag[] {
  const { scheduler, scheduler_flags: names = [] } = service.fields;
  const flags: SchedulerFlag[] = [];
  for (const [index, name] of names.entries()) {
    const flag = parseSchedulerFlag(scheduler ?? "", name);
    if (flag.ok) flags.push(flag.value);
    else if (scheduler !== undefined) service.place.key("scheduler_flags").index(index).error(flag.problem);
  }
  return sortedSchedulerFlags(flags);
}

function resolveServer(table: ServerTable, key: ServiceKey | undefined): RealServer | undefined {
  const { address, forward, weight, upper_threshold: upper, lower_threshold: lower, tunnel: wrapped } = table.fields;
  if (lower !== undefined && upper !== undefined && lower > upper) {
    table.place.key("lower_threshold").error(`lower_threshold (${lower}) must not be above upper_threshold (${upper})`);
  }
  const mixed = key !== undefined && address !== undefined && address.address.family !== serviceFamily(key);
  if (mixed && forward !== undefined && forward !== "tunnel") {
    table.place
      .key("address")
      .error('a real server of another address family than the service needs forward = "tunnel"');
  }
  const server = whole({ endpoint: address, forward, weight, upperThreshold: upper, lowerThreshold: lower });
  if (server === undefined) return undefined;
  const parts = whole({ type: wrapped?.fields.type, port: wrapped?.fields.port, checksum: wrapped?.fields.checksum });
  return parts === undefined || isPlain(parts) ? server : { ...server, tunnel: parts };
}

/** Plain ipip is the absence of a tunnel's settings. */
function isPlain(tunnel: Tunnel): boolean {
  return tunnel.type === "ipip" && tunnel.port === 0 && tunnel.checksum === "none";
}

function once(seen: Map<string, Place>, text: string, place: Place): void {
  const first = seen.get(text);
  if (first === undefined) seen.set(text, place);
  else place.repeated(`${text} is given twice`, first);
}

function resolveServers(service: ServiceTable): readonly RealServer[] {
  const seen = new Map<string, Place>();
  const servers: RealServer[] = [];
  for (const table of service.fields.real ?? []) {
    const server = resolveServer(table, service.fields.listen);
    if (server === undefined) continue;
    servers.push(server);
    once(seen, formatEndpoint(server.endpoint), table.place.key("address"));
  }
  return servers;
}

function resolveService(service: ServiceTable): WantedService | undefined {
  const { listen: key, scheduler, one_packet: onePacket, persistence } = service.fields;
  const kept =
    persistence === undefined || key === undefined ? undefined : resolvePersistence(persistence, serviceFamily(key));
  const schedulerFlags = resolveFlags(service);
  const servers = resolveServers(service);
  const parts = whole({ key, scheduler, schedulerFlags, onePacket });
  if (parts === undefined) return undefined;
  return { service: { ...parts, ...(kept === undefined ? {} : { persistence: kept }) }, servers };
}

interface SavedTable {
  readonly services: readonly WantedService[];
  readonly settings?: SavedSettings;
}

function resolveFile(file: Table<typeof SAVED_FILE.spec>): SavedTable {
  const seen = new Map<string, Place>();
  const services: WantedService[] = [];
  for (const table of file.fields.service ?? []) {
    const service = resolveService(table);
    if (service === undefined) continue;
    services.push(service);
    once(seen, formatServiceKey(service.service.key), table.place.key("listen"));
  }
  const settings = resolveSettings(file.fields.timeouts, file.fields.sync_daemon);
  return { services, ...(settings === undefined ? {} : { settings }) };
}

/** The services of a whole configuration, as the kernel would have them with every server up. */
function tableOf(config: Config): readonly WantedService[] {
  return config.services.flatMap(({ listen, servers }) =>
    listen.map((service) => ({ service, servers: servers.map(({ server }) => server) })),
  );
}

/**
 * Reads what `formatTable` writes, or what a person made of it, or the services of a whole configuration, which is told
 * by its `[pair]`. Pure; every mistake is told, none throws.
 */
export function parseTable(text: string): TableResult {
  if (/^\s*\[\s*pair\b/m.test(text)) {
    const result = parseConfig(text);
    // Warnings are about a pair of routers, which a table is not.
    return result.ok ? { ok: true, services: tableOf(result.config), warnings: [] } : result;
  }
  const result = parseTomlFile(text, SAVED_FILE, resolveFile, () => []);
  return result.ok ? { ok: true, ...result.value, warnings: result.warnings } : result;
}

function persistenceLines(key: ServiceKey, persistence: Persistence | undefined): readonly string[] {
  if (persistence === undefined) return [];
  const { timeoutSeconds, prefixLength, irregularMask, engine } = persistence;
  const mask = irregularMask === undefined ? undefined : parseAddress(irregularMask);
  const isFull = prefixLength === addressBits(serviceFamily(key));
  return [
    "",
    ...tableLines(SAVED_PERSISTENCE, {
      timeout: timeoutSeconds * 1000,
      prefix: isFull || mask !== undefined ? undefined : prefixLength,
      netmask: mask?.ok === true ? mask.value : undefined,
      engine,
    }),
  ];
}

function serverLines({
  endpoint,
  forward,
  weight,
  upperThreshold,
  lowerThreshold,
  tunnel,
}: RealServer): readonly string[] {
  const values = {
    address: endpoint,
    weight,
    forward,
    upper_threshold: upperThreshold === 0 ? undefined : upperThreshold,
    lower_threshold: lowerThreshold === 0 ? undefined : lowerThreshold,
  };
  return [
    "",
    ...tableLines(SAVED_SERVERS.item, values),
    ...(tunnel === undefined ? [] : ["", ...tableLines(SAVED_TUNNEL, tunnel)]),
  ];
}

function serviceLines({ key, scheduler, schedulerFlags, persistence, onePacket }: VirtualService): readonly string[] {
  const values = {
    listen: key,
    scheduler,
    scheduler_flags:
      schedulerFlags.length === 0 ? undefined : schedulerFlags.map((flag) => formatSchedulerFlag(scheduler, flag)),
    one_packet: onePacket ? true : undefined,
  };
  return [...tableLines(SAVED_SERVICES.item, values), ...persistenceLines(key, persistence)];
}

/**
 * A table as TOML, in the order given, with the settings above it; `parseTable` of it gives an equal table. Empty for no
 * services and no settings.
 */
export function formatTable(services: readonly WantedService[], settings?: SavedSettings): string {
  const parts = services.map(({ service, servers }) =>
    [...serviceLines(service), ...servers.flatMap(serverLines), ""].join("\n"),
  );
  const above = settings === undefined ? "" : settingsText(settings);
  return above + parts.join("\n");
}
