import type { ConfiguredService } from "../../config/keys/config.ts";
import { type Endpoint, formatEndpoint } from "../../model/address.ts";
import type { Check, CheckTarget } from "../../model/health-check.ts";
import type { KeptServer } from "../../model/kept-server.ts";
import type { RealServer } from "../../model/real-server.ts";
import { formatServiceKey, type ServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import { type Kept, keptByService, NOTHING_KEPT, withKept } from "./kept-servers.ts";

/** A configuration turned into what the balancer works with: virtual services, their servers, and shared probes. */

/** One probe, for all servers of all services with the same target and check. */
export interface Probe {
  readonly key: string;
  /** Target and method without the timing: a changed interval loses no verdict. */
  readonly subject: string;
  readonly target: CheckTarget;
  readonly check: Check;
}

export interface UnitServer {
  /** With the port resolved: never 0 but for services that have none. */
  readonly server: RealServer;
  /** `10.0.0.11:80`. */
  readonly name: string;
  /** All must pass. None: not checked, always in work. */
  readonly probes: readonly Probe[];
}

/** One virtual service: a `[[service]]` makes one for each address it listens on. */
export interface Unit {
  readonly key: string;
  readonly config: ConfiguredService;
  readonly service: VirtualService;
  readonly servers: readonly UnitServer[];
  readonly sorry?: RealServer;
}

export interface Units {
  readonly units: ReadonlyMap<string, Unit>;
  readonly probes: ReadonlyMap<string, Probe>;
  /** The units that a probe's verdict concerns. */
  readonly unitsOfProbe: ReadonlyMap<string, readonly Unit[]>;
  /** The servers that a probe is about, one for each service that has it. */
  readonly serversOfProbe: ReadonlyMap<string, readonly ProbedServer[]>;
}

export interface ProbedServer {
  readonly unit: Unit;
  readonly server: UnitServer;
}

/** A server named without a port serves on the port of its service. */
export function resolvePort(endpoint: Endpoint, key: ServiceKey): Endpoint {
  return endpoint.port !== 0 || key.kind === "fwmark" ? endpoint : { address: endpoint.address, port: key.port };
}

function resolveServer(server: RealServer, key: ServiceKey): RealServer {
  return { ...server, endpoint: resolvePort(server.endpoint, key) };
}

function probeOf(endpoint: Endpoint, key: ServiceKey, check: Check): Probe {
  // Only a program is told about the service, so only its probes differ by it.
  const serviceSide =
    check.method.kind === "external" && key.kind === "address"
      ? { serviceAddress: key.address, servicePort: key.port }
      : {};
  const target: CheckTarget = { address: endpoint.address, port: endpoint.port, ...serviceSide };
  const { method, ...timing } = check;
  const subject = JSON.stringify([target, method]);
  return { key: `${subject} ${JSON.stringify(timing)}`, subject, target, check };
}

function unitOf(
  config: ConfiguredService,
  service: VirtualService,
  shared: Map<string, Probe>,
  changes: readonly KeptServer[],
): Unit {
  const servers = new Map<string, UnitServer>();
  const resolved = config.servers.map((each) => ({ ...each, server: resolveServer(each.server, service.key) }));
  for (const configured of withKept({ ...config, servers: resolved }, changes)) {
    const { server } = configured;
    const name = formatEndpoint(server.endpoint);
    if (servers.has(name)) continue;
    const checks = configured.check === undefined ? [] : [configured.check, ...(configured.furtherChecks ?? [])];
    const probes = new Map<string, Probe>();
    for (const check of checks) {
      const made = probeOf(server.endpoint, service.key, check);
      const probe = shared.get(made.key) ?? made;
      shared.set(probe.key, probe);
      probes.set(probe.key, probe);
    }
    servers.set(name, { server, name, probes: [...probes.values()] });
  }
  return {
    key: formatServiceKey(service.key),
    config,
    service,
    servers: [...servers.values()],
    ...(config.sorry === undefined ? {} : { sorry: resolveServer(config.sorry, service.key) }),
  };
}

/** What a configuration's services come to. @param kept what operators have changed of their servers */
export function unitsOf(services: readonly ConfiguredService[], kept: Kept = NOTHING_KEPT): Units {
  const changes = keptByService(kept);
  const units = new Map<string, Unit>();
  const probes = new Map<string, Probe>();
  const unitsOfProbe = new Map<string, Unit[]>();
  const serversOfProbe = new Map<string, ProbedServer[]>();
  for (const config of services) {
    for (const service of config.listen) {
      const unit = unitOf(config, service, probes, changes.get(formatServiceKey(service.key)) ?? []);
      units.set(unit.key, unit);
    }
  }
  for (const unit of units.values()) {
    for (const server of unit.servers) {
      for (const { key } of server.probes) {
        const concerned = unitsOfProbe.get(key);
        if (concerned === undefined) unitsOfProbe.set(key, [unit]);
        else if (concerned.at(-1) !== unit) concerned.push(unit);
        const probed = serversOfProbe.get(key);
        if (probed === undefined) serversOfProbe.set(key, [{ unit, server }]);
        else probed.push({ unit, server });
      }
    }
  }
  return { units, probes, unitsOfProbe, serversOfProbe };
}
