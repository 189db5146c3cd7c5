import { addressBits } from "../../model/address.ts";
import type { Gate } from "../../model/gate.ts";
import type { Check } from "../../model/health-check.ts";
import type { PairSettings, RouterAddresses, RouterId } from "../../model/pair.ts";
import { FORWARDINGS, type Forwarding, type RealServer, type Tunnel } from "../../model/real-server.ts";
import { SCHEDULERS } from "../../model/scheduler.ts";
import { formatSchedulerFlag } from "../../model/scheduler-flag.ts";
import { serviceFamily, type VirtualService } from "../../model/virtual-service.ts";
import { SERVER_CHECK, SERVICE_CHECK } from "../keys/check-schema.ts";
import type { Config, ConfiguredServer, ConfiguredService, ConfiguredVip } from "../keys/config.ts";
import { GATES } from "../keys/gate-schema.ts";
import { IPVS } from "../keys/ipvs-keys.ts";
import { HOOKS, LOG, PAIR, ROUTERS, SYNC, VIPS } from "../keys/schema.ts";
import { PERSISTENCE, REALS, SERVER_TUNNEL, SERVICES, SORRY, SORRY_TUNNEL } from "../keys/service-schema.ts";
import type { TableType } from "../keys/table-type.ts";
import { TIMEOUTS, timeoutFields } from "../keys/timeouts.ts";
import { tableLines } from "../toml/toml-text.ts";
import { checkValues } from "./check-values.ts";

type Lines = readonly string[];

function pairLines(pair: PairSettings): Lines {
  const values = {
    key_file: pair.keyFile,
    interval: pair.intervalMs,
    dead_after: pair.deadAfterMs,
    failback: pair.failback,
    failback_after: pair.failbackAfterMs,
    lease: pair.leaseMs,
    port: pair.port,
    neighbours: pair.neighbours,
    stop: pair.stop,
    views: pair.views,
  };
  return [...tableLines(PAIR, values), ...routerLines("primary", pair.primary), ...routerLines("backup", pair.backup)];
}

function routerLines(id: RouterId, router: RouterAddresses): Lines {
  return ["", ...tableLines(ROUTERS[id], { name: router.name, public: router.public, private: router.private })];
}

/** The forwarding as a file can have it; the others are only ever seen in the kernel. */
function configurable(server: RealServer): Forwarding | undefined {
  return FORWARDINGS.find((forward) => forward === server.forward);
}

/** The forwarding that every server has; undefined when they differ. */
function commonForward(servers: readonly ConfiguredServer[]): Forwarding | undefined {
  const forwards = new Set(servers.map(({ server }) => configurable(server)));
  const [forward] = forwards;
  return forwards.size === 1 ? forward : undefined;
}

function vipLines({ prefix, interface: name, label, optional }: ConfiguredVip): Lines {
  return ["", ...tableLines(VIPS.item, { address: prefix, interface: name, label, required: optional !== true })];
}

/** A gate's subject and how it is looked at. */
function gateSubject({ name: _name, effect: _effect, when: _when, subject, ...timing }: Gate) {
  // Of a check that is no more than its timing only that is written.
  const { kind: _kind, ...times } = checkValues({ ...timing, method: { kind: "tcp" } });
  switch (subject.kind) {
    case "check": {
      const { target, method } = subject;
      return { ...checkValues({ ...timing, method }), ...(target === undefined ? {} : { target }) };
    }
    case "process":
      return { ...times, process: subject.name };
    case "interface":
      return { ...times, interface: subject.name };
    case "file":
      return { ...times, file: subject.path, file_state: subject.state };
  }
}

function gateLines(gate: Gate): Lines {
  const { name, effect, when } = gate;
  return ["", ...tableLines(GATES.item, { name, effect, when, ...gateSubject(gate) })];
}

/** A tunnel in full; plain ipip is the absence of one. */
function tunnelLines(type: typeof SERVER_TUNNEL.full, tunnel: Tunnel | undefined): Lines {
  if (tunnel === undefined) return [];
  const { port, checksum } = tunnel;
  return ["", ...tableLines(type, { type: tunnel.type, port: port === 0 ? undefined : port, checksum })];
}

/** One check as a table, several as a list of them. */
function checkLines(type: TableType<typeof SERVICE_CHECK.full.spec>, checks: readonly Check[]): Lines {
  const used = checks.length === 1 ? type : { ...type, header: `[${type.header}]` };
  return checks.flatMap((check) => ["", ...tableLines(used, checkValues(check))]);
}

function checksOf({ check, furtherChecks = [] }: Omit<ConfiguredServer, "server">): readonly Check[] {
  return check === undefined ? [] : [check, ...furtherChecks];
}

function persistenceLines(listen: readonly VirtualService[]): Lines {
  const persistence = listen[0]?.persistence;
  if (persistence === undefined) return [];
  const { timeoutSeconds, prefixLength, engine } = persistence;
  // Without a prefix each family gets its own full length; a given one holds for all that the service listens on.
  const full = listen.every(({ key, persistence: own }) => own?.prefixLength === addressBits(serviceFamily(key)));
  const values = {
    timeout: timeoutSeconds * 1000,
    prefix: full ? undefined : prefixLength,
    engine: engine === "sip" ? engine : undefined,
  } as const;
  return ["", ...tableLines(PERSISTENCE.full, values)];
}

function sorryLines(sorry: RealServer | undefined): Lines {
  if (sorry === undefined) return [];
  const values = { address: sorry.endpoint, forward: configurable(sorry) };
  return ["", ...tableLines(SORRY.full, values), ...tunnelLines(SORRY_TUNNEL.full, sorry.tunnel)];
}

function serverLines(configured: ConfiguredServer, common: readonly Check[] | undefined): Lines {
  const { server } = configured;
  const checks = checksOf(configured);
  const values = {
    address: server.endpoint,
    weight: server.weight,
    forward: configurable(server),
    upper_threshold: server.upperThreshold,
    lower_threshold: server.lowerThreshold,
    // A check of its own is a table, which follows; a check like all the others is the service's.
    check: checks.length === 0 && common === undefined ? (false as const) : undefined,
  };
  return [
    "",
    ...tableLines(REALS.item, values),
    ...tunnelLines(SERVER_TUNNEL.full, server.tunnel),
    ...(common === undefined ? checkLines(SERVER_CHECK.full, checks) : []),
  ];
}

/** The checks that every server has, to be written once; undefined when they differ. */
function commonChecks(servers: readonly ConfiguredServer[]): readonly Check[] | undefined {
  const [first] = servers;
  if (first === undefined) return [];
  const text = JSON.stringify(checksOf(first));
  return servers.every((server) => JSON.stringify(checksOf(server)) === text) ? checksOf(first) : undefined;
}

function serviceLines(service: ConfiguredService): Lines {
  const [first] = service.listen;
  const { template } = service;
  const common = template === undefined ? commonChecks(service.servers) : checksOf(template);
  const values = {
    name: service.name,
    listen: service.listen.map(({ key }) => key),
    scheduler: SCHEDULERS.find((name) => name === first?.scheduler),
    scheduler_flags: first?.schedulerFlags.map((flag) => formatSchedulerFlag(first.scheduler, flag)),
    forward: template?.forward ?? commonForward(service.servers),
    one_packet: first?.onePacket,
    on_failure: service.onFailure,
    slow_start: service.slowStartMs ?? 0,
    panic_percent: service.panicPercent ?? 0,
    quorum: service.quorum?.needed,
    quorum_by: service.quorum?.by,
    quorum_hysteresis: service.quorum?.hysteresis,
    // Where servers differ, each has its own; the service's would only be inherited.
    check: common === undefined || common.length === 0 ? (false as const) : undefined,
  };
  return [
    "",
    ...tableLines(SERVICES.item, values),
    ...persistenceLines(service.listen),
    ...sorryLines(service.sorry),
    ...(common === undefined ? [] : checkLines(SERVICE_CHECK.full, common)),
    ...service.servers.flatMap((server) => serverLines(server, common)),
  ];
}

/** The `[[service]]` part of a configuration with these services. Ends with a newline; empty for none. */
export function renderServices(services: readonly ConfiguredService[]): string {
  return services.length === 0 ? "" : `${services.flatMap(serviceLines).slice(1).join("\n")}\n`;
}

/**
 * The effective configuration as TOML with every default written out; `parseConfig` of it gives an equal configuration.
 * Each server carries its own forwarding and tunnel, and its own check where not all servers of a service have the same.
 */
export function renderConfig(config: Config): string {
  const { sync, ipvs, timeouts, hooks, log } = config;
  const lines = [
    ...(config.vips.length === 0 ? ["vip = []", ""] : []),
    ...pairLines(config.pair),
    ...config.vips.flatMap(vipLines),
    ...config.services.flatMap(serviceLines),
    ...config.gates.flatMap(gateLines),
    "",
    ...tableLines(SYNC, { ...sync, max_length: sync.maxLengthBytes, sync: sync.mode }),
    "",
    ...tableLines(IPVS, ipvs),
    "",
    ...(timeouts === undefined ? [] : [...tableLines(TIMEOUTS, timeoutFields(timeouts)), ""]),
    ...tableLines(HOOKS, {
      active: hooks.active,
      standby: hooks.standby,
      verdict: hooks.verdict ?? [],
      quorum: hooks.quorum ?? [],
      takeover: hooks.takeover?.program ?? [],
      takeover_failure: hooks.takeover?.onFailure ?? "abort",
      timeout: hooks.timeoutMs,
    }),
    "",
    ...tableLines(LOG, { format: log.format, level: log.level }),
  ];
  return `${lines.join("\n")}\n`;
}
