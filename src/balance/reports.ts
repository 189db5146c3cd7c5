import type { ObservedService } from "../model/ipvs-table.ts";
import { realServerKey } from "../model/real-server.ts";
import { type HealthOf, serverHealth } from "./health/combined-health.ts";
import type { CheckReport, DrainProgress, ServiceView } from "./servers/check-report.ts";
import { type Drains, isDrained } from "./servers/drains.ts";
import { CHANGES_KEPT, type ProbeRecord } from "./servers/probe-record.ts";
import type { Unit, UnitServer } from "./servers/service-units.ts";
import type { BalancedService } from "./wanted-table.ts";

/** What is remembered of a probe. */
export type RecordOf = (probeKey: string) => ProbeRecord | undefined;

/** What is known of probes. */
export interface Known {
  readonly healthOf: HealthOf;
  readonly recordOf: RecordOf;
  readonly nowMs: number;
}

type Count = "up" | "down" | "unknown";

/**
 * The servers of a `[[service]]`, each as it is in all of its virtual services. They are the same by name, not by place:
 * an operator may have added one to, or removed it from, one of the virtual services only.
 */
function sameServers(units: readonly Unit[]): Iterable<readonly UnitServer[]> {
  const [first, ...others] = units;
  if (first === undefined || others.length === 0) return (first?.servers ?? []).map((server) => [server]);
  const all = units.flatMap(({ servers }) => servers);
  return Map.groupBy(all, ({ name }) => name).values();
}

/** A server of a `[[service]]` is up where it is up in each of its virtual services, and down where it is down in one. */
function countServers(units: readonly Unit[], healthOf: HealthOf): Record<Count, number> {
  const counts: Record<Count, number> = { up: 0, down: 0, unknown: 0 };
  for (const same of sameServers(units)) {
    const verdicts = same.map((server) => serverHealth(server, healthOf)?.verdict ?? "up");
    if (verdicts.includes("down")) counts.down += 1;
    else if (verdicts.includes("unknown")) counts.unknown += 1;
    else counts.up += 1;
  }
  return counts;
}

/** One view for each `[[service]]`, in the order of the configuration. */
export function serviceViews(
  units: Iterable<Unit>,
  balancedOf: (unit: Unit) => BalancedService,
  healthOf: HealthOf,
): ServiceView[] {
  const byService = new Map<Unit["config"], Unit[]>();
  for (const unit of units) byService.set(unit.config, [...(byService.get(unit.config) ?? []), unit]);
  const views: ServiceView[] = [];
  for (const [config, group] of byService) {
    const counts = countServers(group, healthOf);
    const works = group.map((unit) => balancedOf(unit).work);
    const work = works.find((each) => each !== "normal") ?? "normal";
    views.push({ service: config.name, ...counts, configured: counts.up + counts.down + counts.unknown, work });
  }
  return views;
}

/** The slowest times, and the latest changes, of all probes of a server. */
function recorded({ probes }: UnitServer, { recordOf, nowMs }: Known): Pick<CheckReport, "times" | "changes"> {
  const records = probes.map(({ key }) => recordOf(key)).filter((record) => record !== undefined);
  const times = records.map((record) => record.times()).filter((each) => each !== undefined);
  const [slowest] = times.sort((a, b) => b.p99Ms - a.p99Ms);
  const changes = records
    .flatMap((record) => record.changes)
    .map(({ to, atMs, reason }) => ({ to, agoMs: nowMs - atMs, reason }))
    .sort((a, b) => a.agoMs - b.agoMs);
  return {
    ...(slowest === undefined ? {} : { times: slowest }),
    ...(changes.length === 0 ? {} : { changes: changes.slice(0, CHANGES_KEPT) }),
  };
}

function checkKinds({ probes }: UnitServer): Pick<CheckReport, "kind" | "furtherKinds"> {
  const [kind, ...furtherKinds] = probes.map(({ check }) => check.method.kind);
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(furtherKinds.length === 0 ? {} : { furtherKinds }),
  };
}

function reportServers(
  unit: Unit,
  balanced: BalancedService,
  known: Known,
  drains: Drains,
  observed: ObservedService | undefined,
): CheckReport[] {
  const weights = new Map(balanced.servers.map((server) => [realServerKey(server), server.weight]));
  const present = new Map(observed?.servers.map((entry) => [realServerKey(entry.server), entry]));
  return unit.servers.map((unitServer) => {
    const { server, name } = unitServer;
    const health = serverHealth(unitServer, known.healthOf);
    const weight = weights.get(name);
    const active = present.get(name)?.activeConnections;
    return {
      service: unit.config.name,
      listen: unit.key,
      server: name,
      forward: server.forward,
      verdict: health?.verdict ?? "up",
      drained: isDrained(drains, unit.service.key, server.endpoint),
      ...checkKinds(unitServer),
      ...recorded(unitServer, known),
      ...(health?.sinceMs === undefined ? {} : { sinceMs: health.sinceMs, forMs: known.nowMs - health.sinceMs }),
      ...(health?.last === undefined ? {} : { last: health.last }),
      ...(weight === undefined ? {} : { weight }),
      ...(active === undefined ? {} : { activeConnections: active }),
    };
  });
}

/** Each server of each virtual service. */
export function checkReports(
  units: Iterable<Unit>,
  balancedOf: (unit: Unit) => BalancedService,
  known: Known,
  drains: Drains,
  observed: ReadonlyMap<string, ObservedService>,
): CheckReport[] {
  return [...units].flatMap((unit) => reportServers(unit, balancedOf(unit), known, drains, observed.get(unit.key)));
}

/** The drained servers that the kernel has, with what they still have to do. */
export function drainProgress(
  units: Iterable<Unit>,
  drains: Drains,
  observed: ReadonlyMap<string, ObservedService>,
): DrainProgress[] {
  return [...units].flatMap((unit) =>
    (observed.get(unit.key)?.servers ?? [])
      .filter(({ server }) => isDrained(drains, unit.service.key, server.endpoint))
      .map(({ server, activeConnections, inactiveConnections, persistentConnections }) => ({
        listen: unit.key,
        server: realServerKey(server),
        activeConnections,
        inactiveConnections,
        persistentConnections,
      })),
  );
}
