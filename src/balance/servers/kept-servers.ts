import type { ConfiguredServer, ConfiguredService } from "../../config/keys/config.ts";
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import { type Endpoint, type Family, formatEndpoint, sameAddress } from "../../model/address.ts";
import type { KeepOrder, KeptChange, KeptServer, KeptSettings } from "../../model/kept-server.ts";
import { FORWARDINGS, type RealServer } from "../../model/real-server.ts";
import { newServer, withServerSettings } from "../../model/server-settings.ts";
import { formatServiceKey, type ServiceKey, serviceFamily } from "../../model/virtual-service.ts";
import { drainKey, type OrderedServer } from "./drains.ts";
import type { Unit } from "./service-units.ts";

/** The configuration's real servers with what operators have changed of them at run time. */

/** By service and server, as orders are. At most `MAX_KEPT`. */
export type Kept = ReadonlyMap<string, KeptServer>;

/** More are refused: whoever changes so many has a program that writes the configuration. */
export const MAX_KEPT = 1_000;

export const NOTHING_KEPT: Kept = new Map();

export function keptOf(servers: readonly KeptServer[]): Kept {
  return new Map(servers.slice(0, MAX_KEPT).map((one) => [drainKey(one.service, one.server), one]));
}

/** Those of each service, by the text of its key. */
export function keptByService(kept: Kept): ReadonlyMap<string, readonly KeptServer[]> {
  return Map.groupBy(kept.values(), ({ service }) => formatServiceKey(service));
}

/** The value that most servers have, the first of several. */
function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<string, { count: number; readonly value: T }>();
  for (const value of values) {
    const text = JSON.stringify(value);
    const known = counts.get(text) ?? { count: 0, value };
    known.count += 1;
    counts.set(text, known);
  }
  return [...counts.values()].sort((one, other) => other.count - one.count)[0]?.value;
}

/** What an added server takes from its service. */
type Usual = Pick<ConfiguredService, "servers" | "template">;

/** It is checked as most of its service's are. */
export function usualChecks({ servers, template }: Usual): Omit<ConfiguredServer, "server"> {
  if (template !== undefined) {
    const { forward: _forward, ...checks } = template;
    return checks;
  }
  return mostFrequent(servers.map(({ server: _server, ...checks }) => checks)) ?? {};
}

/** It is reached as most of them are, where the order does not say how. */
function usualServer(endpoint: Endpoint, { servers, template }: Usual): RealServer {
  const ways = servers.map(({ server: { forward, tunnel } }) => ({
    forward,
    ...(tunnel === undefined ? {} : { tunnel }),
  }));
  const way = template === undefined ? mostFrequent(ways) : { forward: template.forward };
  return { ...newServer(endpoint), ...way };
}

/** Whether the routers are set up to route answers of real servers (daemon/settings/forwarding.ts). */
export function routesAnswers(services: readonly ConfiguredService[], family: Family): boolean {
  return services.some(
    ({ listen, servers, template }) =>
      listen.some(({ key }) => serviceFamily(key) === family) &&
      (template?.forward === "nat" || servers.some(({ server }) => server.forward === "nat")),
  );
}

/**
 * The servers of a virtual service.
 * @param service its servers with their ports
 * @param changes those of this service
 */
export function withKept(service: Usual, changes: readonly KeptServer[]): readonly ConfiguredServer[] {
  const { servers: configured } = service;
  if (changes.length === 0) return configured;
  const left = new Map(changes.map((one) => [formatEndpoint(one.server), one]));
  const servers: ConfiguredServer[] = [];
  for (const each of configured) {
    const name = formatEndpoint(each.server.endpoint);
    const change = left.get(name)?.change;
    left.delete(name);
    if (change === undefined) servers.push(each);
    else if (change.kind === "present") {
      servers.push({ ...each, server: { endpoint: each.server.endpoint, ...change.settings } });
    }
  }
  const checks = usualChecks(service);
  for (const { server: endpoint, change } of left.values()) {
    if (change.kind === "present") servers.push({ server: { endpoint, ...change.settings }, ...checks });
  }
  return servers;
}

/** The service that a change is for, as the configuration has it and as it is now. */
export interface KeptContext {
  readonly configured: Unit;
  readonly current: Unit;
  /** As `routesAnswers` says. */
  readonly hasNat: boolean;
}

export interface Keeping {
  readonly kept: Kept;
  /** What has changed; undefined: it was so already. */
  readonly made: { readonly service: ServiceKey; readonly server: Endpoint; readonly change: KeptChange } | undefined;
}

function found(unit: Unit, name: string): RealServer | undefined {
  return unit.servers.find((server) => server.name === name)?.server;
}

/** What the kernel would refuse, or no probe could check. */
function misfit(server: RealServer, { configured: { service, config }, hasNat }: KeptContext): string | undefined {
  const { key } = service;
  const text = formatEndpoint(server.endpoint);
  // ip_vs_genl_set_cmd (net/netfilter/ipvs/ip_vs_ctl.c): families may differ through a tunnel only.
  if (server.forward !== "tunnel" && serviceFamily(key) !== server.endpoint.address.family) {
    return `${text} and ${formatServiceKey(key)} are of two families, which only --forward tunnel can bridge`;
  }
  if (server.forward === "nat" && !hasNat) {
    return "nothing in the configuration is reached by --forward nat, so the routers would not route its answers";
  }
  if (key.kind === "address" && sameAddress(key.address, server.endpoint.address)) {
    return `${text} has the address of the service itself`;
  }
  const { check, furtherChecks = [] } = usualChecks(config);
  const needsPort = [...(check === undefined ? [] : [check]), ...furtherChecks].some(
    ({ method }) => method.kind !== "external" && method.kind !== "ping" && method.port === undefined,
  );
  if (server.endpoint.port === 0 && needsPort) return `there is no port to check at ${text}: its service has none`;
  return undefined;
}

function present(
  before: RealServer,
  settings: Extract<KeepOrder, { kind: "add" | "edit" }>["settings"],
  context: KeptContext,
): Parsed<KeptChange> {
  const merged = withServerSettings(before, settings, context.configured.service.key);
  if (!merged.ok) return merged;
  const { endpoint: _endpoint, forward: way, ...rest } = merged.value;
  const forward = FORWARDINGS.find((name) => name === way);
  if (forward === undefined) return problem(`a server cannot be kept with --forward ${way}`);
  const reason = misfit(merged.value, context);
  return reason === undefined
    ? parsed({ kind: "present", settings: { forward, ...rest } satisfies KeptSettings })
    : problem(reason);
}

/** Also of a service that is not configured any more. */
function giveBack({ service, server }: OrderedServer, kept: Kept): Parsed<KeptChange> {
  if (kept.has(drainKey(service, server))) return parsed({ kind: "none" });
  const name = `real server ${formatEndpoint(server)} of ${formatServiceKey(service)}`;
  return problem(`nothing was changed of ${name} at run time`);
}

/** What an order makes of a server; undefined: nothing, since it is so already. */
function changeOf(
  order: Exclude<KeepOrder, { kind: "reset" }>,
  { service: key, server: endpoint }: OrderedServer,
  context: KeptContext | undefined,
): Parsed<KeptChange | undefined> {
  const service = formatServiceKey(key);
  if (context === undefined) return problem(`the configuration has no service ${service}`);
  const name = formatEndpoint(endpoint);
  const now = found(context.current, name);
  switch (order.kind) {
    case "add":
      if (now !== undefined && !order.orEdit) return problem(`${service} has ${name} already; --or-edit changes it`);
      return present(now ?? usualServer(endpoint, context.configured.config), order.settings, context);
    case "edit":
      return now === undefined
        ? problem(`${service} has no real server ${name}`)
        : present(now, order.settings, context);
    case "del":
      if (now === undefined)
        return order.ifExists ? parsed(undefined) : problem(`${service} has no real server ${name}`);
      return parsed({ kind: found(context.configured, name) === undefined ? "none" : "absent" });
  }
}

/**
 * What is kept after an order, or why it is refused.
 * @param at the server, with its port
 * @param context undefined: the configuration does not have the service, or not any more
 */
export function keep(
  order: KeepOrder,
  at: OrderedServer,
  context: KeptContext | undefined,
  kept: Kept,
): Parsed<Keeping> {
  const { service, server: endpoint } = at;
  const change = order.kind === "reset" ? giveBack(at, kept) : changeOf(order, at, context);
  if (!change.ok) return change;
  if (change.value === undefined) return parsed({ kept, made: undefined });
  const key = drainKey(service, endpoint);
  const result = new Map(kept);
  if (change.value.kind === "none") result.delete(key);
  else result.set(key, { service, server: endpoint, change: change.value });
  if (result.size > MAX_KEPT)
    return problem(`there are ${MAX_KEPT} changed real servers already; write them into the configuration`);
  return parsed({ kept: result, made: { service, server: endpoint, change: change.value } });
}
