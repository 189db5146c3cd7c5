import { formatEndpoint } from "../../model/address.ts";
import type { Check } from "../../model/health-check.ts";
import type { RealServer } from "../../model/real-server.ts";
import type { Vip } from "../../model/vip.ts";
import type { CheckSettings } from "../keys/check-settings.ts";
import type { ConfiguredServer, ConfiguredService, Quorum } from "../keys/config.ts";
import { isTableValue, whole } from "../keys/table-type.ts";
import type { Place } from "../places/place.ts";
import { checkSettings, defaultCheck, resolveCheck } from "./resolve-check.ts";
import { checkListens, type ListenPlaces, listensOf, resolveListens } from "./resolve-listen.ts";
import {
  checkServiceTunnel,
  resolveServer,
  type ServerContext,
  type ServerTable,
  type ServiceTable,
  withServicePort,
} from "./resolve-server.ts";

/** What is checked where a server says nothing: the settings, and the check made of them once for all servers. */
interface ServiceCheck {
  /** Those of the first check, which a server's own inherits. */
  readonly settings: CheckSettings | undefined;
  readonly checks: readonly Check[];
}

const UNCHECKED: ServiceCheck = { settings: undefined, checks: [] };

function resolveChecks(settings: readonly CheckSettings[]): readonly Check[] {
  return settings.map(resolveCheck).filter((check) => check !== undefined);
}

function serviceCheck(service: ServiceTable): ServiceCheck {
  const { check, listen, name } = service.fields;
  if (check === false) return UNCHECKED;
  if (check !== undefined) {
    const settings = check.map((table) => checkSettings(table));
    return { settings: settings[0], checks: resolveChecks(settings) };
  }
  if (service.given.has("check") || listen === undefined) return UNCHECKED;
  if (listen.every((key) => key.kind === "address" && key.protocol === "tcp" && key.port !== 0)) {
    return { settings: defaultCheck(), checks: resolveChecks([defaultCheck()]) };
  }
  if (service.fields.real?.some((server) => !server.given.has("check")) === true) {
    service.place.warn(
      `the servers of ${name ?? "this service"} are not checked, since a connection says nothing about what it listens on`,
      "add [service.check], or check = false if that is meant",
    );
  }
  return UNCHECKED;
}

function serverChecks(server: ServerTable, inherited: ServiceCheck): readonly Check[] {
  const { check } = server.fields;
  if (check === false) return [];
  if (check === undefined) return inherited.checks;
  return resolveChecks(check.map((table) => checkSettings(table, inherited.settings)));
}

/** A check needs a port to go to, which a firewall mark and a service on every port don't have. */
function checkHasPort(checks: readonly Check[], server: RealServer, service: ServiceTable, place: Place): void {
  const isWithout = ({ method }: Check) =>
    method.kind !== "external" && method.kind !== "ping" && method.port === undefined;
  if (!checks.some(isWithout) || server.endpoint.port !== 0) return;
  const portless = listensOf(service).find(({ key }) => key.kind === "fwmark" || key.port === 0);
  if (portless === undefined) return;
  place.missing(
    `there is no port to check at ${server.endpoint.address.text}: its service listens on none`,
    "give address a port, or [service.check] the key port",
  );
}

function resolveReal(table: ServerTable, service: ServiceTable, context: ServerContext, inherited: ServiceCheck) {
  const { fields, place } = table;
  const server = resolveServer(
    {
      address: fields.address,
      addressPlace: place.key("address"),
      place,
      forward: table.given.has("forward") ? fields.forward : context.forward,
      tunnel: fields.tunnel,
      weight: fields.weight,
      upperThreshold: fields.upper_threshold,
      lowerThreshold: fields.lower_threshold,
    },
    context,
  );
  const checks = serverChecks(table, inherited);
  if (server === undefined) return undefined;
  checkHasPort(checks, server, service, place.key("address"));
  return { server, ...withChecks(checks) };
}

function withChecks([check, ...furtherChecks]: readonly Check[]): Omit<ConfiguredServer, "server"> {
  return {
    ...(check === undefined ? {} : { check }),
    ...(furtherChecks.length === 0 ? {} : { furtherChecks }),
  };
}

function checkRepeat(table: ServerTable, context: ServerContext, places: Map<string, Place>): void {
  if (table.fields.address === undefined) return;
  const key = formatEndpoint(withServicePort(table.fields.address, context));
  const place = table.place.key("address");
  const first = places.get(key);
  if (first === undefined) places.set(key, place);
  else place.repeated(`the real server ${key} is given twice in this service`, first);
}

function resolveReals(
  service: ServiceTable,
  context: ServerContext,
  inherited: ServiceCheck,
): readonly ConfiguredServer[] | undefined {
  const tables = service.fields.real ?? [];
  const places = new Map<string, Place>();
  const servers: ConfiguredServer[] = [];
  for (const table of tables) {
    checkRepeat(table, context, places);
    const configured = resolveReal(table, service, context, inherited);
    if (configured !== undefined) servers.push(configured);
  }
  if (tables.length === 0 && !service.given.has("real")) {
    service.place.warn(`the service ${service.fields.name ?? ""} has no [[service.real]], so it refuses every client`);
  }
  return servers.length === tables.length ? servers : undefined;
}

function resolveSorry(service: ServiceTable, context: ServerContext): RealServer | undefined {
  const { sorry } = service.fields;
  if (sorry === undefined) return undefined;
  const place = service.place.key("sorry");
  const fixed = { place, weight: 1, upperThreshold: 0, lowerThreshold: 0 };
  if (!isTableValue(sorry)) {
    const own = { address: sorry, addressPlace: place, forward: context.forward, tunnel: undefined };
    return resolveServer({ ...fixed, ...own }, context);
  }
  const { address, tunnel } = sorry.fields;
  const forward = sorry.given.has("forward") ? sorry.fields.forward : context.forward;
  return resolveServer({ ...fixed, address, addressPlace: place.key("address"), forward, tunnel }, context);
}

function checkSorry(sorry: RealServer, servers: readonly ConfiguredServer[], place: Place): void {
  const key = formatEndpoint(sorry.endpoint);
  if (!servers.some(({ server }) => formatEndpoint(server.endpoint) === key)) return;
  place.error(`the sorry server ${key} is one of the real servers`, "it must be another one");
}

/** A quorum that all real servers together don't reach is never there: the service would refuse every client. */
function checkReach(service: ServiceTable, { by, needed }: Quorum, servers: readonly ConfiguredServer[]): void {
  const weight = servers.reduce((sum, { server }) => sum + server.weight, 0);
  if (needed <= (by === "servers" ? servers.length : weight)) return;
  const count = `${servers.length} real ${servers.length === 1 ? "server" : "servers"}`;
  const all = by === "servers" ? count : `${count} of the weight ${weight} together`;
  const name = service.fields.name ?? "this service";
  service.place
    .key(service.given.has("quorum") ? "quorum" : "quorum_by")
    .error(`quorum (${needed}) can never be reached: ${name} has ${all}`);
}

/** The quorum where it is more than the one server that is always needed. */
function resolveQuorum(service: ServiceTable, servers: readonly ConfiguredServer[]): Quorum | undefined {
  const { quorum: needed = 1, quorum_by: by = "servers", quorum_hysteresis: hysteresis = 0 } = service.fields;
  if (hysteresis >= needed && service.given.has("quorum_hysteresis")) {
    const place = service.place.key("quorum_hysteresis");
    place.error(`quorum_hysteresis (${hysteresis}) must be less than quorum (${needed}), which could never be lost`);
  }
  if (needed === 1 && by === "servers") return undefined;
  const quorum = { by, needed, hysteresis };
  checkReach(service, quorum, servers);
  return quorum;
}

function resolveService(service: ServiceTable): ConfiguredService | undefined {
  const { fields, place } = service;
  checkServiceTunnel(service);
  const context = { listens: listensOf(service), forward: fields.forward, tunnel: fields.tunnel };
  const inherited = serviceCheck(service);
  const servers = resolveReals(service, context, inherited);
  const sorry = resolveSorry(service, context);
  if (sorry !== undefined && servers !== undefined) checkSorry(sorry, servers, place.key("sorry"));
  const parts = whole({ name: fields.name, listen: resolveListens(service), servers, onFailure: fields.on_failure });
  if (parts === undefined || (sorry === undefined && service.given.has("sorry"))) return undefined;
  const quorum = resolveQuorum(service, parts.servers);
  const { slow_start: slowStartMs = 0, panic_percent: panicPercent = 0 } = fields;
  const template = { forward: fields.forward ?? "nat", ...withChecks(inherited.checks) };
  return {
    ...parts,
    ...(parts.servers.length === 0 ? { template } : {}),
    ...(sorry === undefined ? {} : { sorry }),
    ...(slowStartMs === 0 ? {} : { slowStartMs }),
    ...(panicPercent === 0 ? {} : { panicPercent }),
    ...(quorum === undefined ? {} : { quorum }),
  };
}

/** The services; undefined when something is wrong with one of them, which is reported. */
export function resolveServices(
  tables: readonly ServiceTable[] | undefined,
  vips: readonly Vip[] | undefined,
): readonly ConfiguredService[] | undefined {
  const names = new Map<string, Place>();
  const listens: ListenPlaces = new Map();
  const services: ConfiguredService[] = [];
  for (const table of tables ?? []) {
    const { name } = table.fields;
    const first = name === undefined ? undefined : names.get(name);
    if (first !== undefined) table.place.key("name").repeated(`two services have the name "${name}"`, first);
    else if (name !== undefined) names.set(name, table.place.key("name"));
    checkListens(table, vips, listens);
    const service = resolveService(table);
    if (service !== undefined) services.push(service);
  }
  return services.length === (tables?.length ?? 0) ? services : undefined;
}
