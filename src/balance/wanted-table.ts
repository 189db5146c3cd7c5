import type { WantedService } from "../model/ipvs-table.ts";
import { type RealServer, realServerKey } from "../model/real-server.ts";
import { type Drains, orderedWeight } from "./drains.ts";
import { lastGoodSet } from "./last-good.ts";
import type { ServiceWork } from "./report.ts";
import { slowStartWeight } from "./slow-start.ts";
import type { Unit, UnitServer } from "./units.ts";
import { type Health, UNKNOWN_HEALTH } from "./verdict.ts";

/** What the kernel should have for one virtual service. */
export interface BalancedService extends WantedService {
  /** Servers without a verdict: where the kernel has them they stay as they are, else they wait. */
  readonly undecided: readonly RealServer[];
  readonly work: ServiceWork;
  /** When slow start changes a weight next. */
  readonly changesMs?: number;
}

export type HealthOf = (probeKey: string) => Health | undefined;

interface Judged extends UnitServer {
  readonly verdict: "up" | "down" | "unknown";
  readonly health: Health;
}

function judge(server: UnitServer, healthOf: HealthOf): Judged {
  if (server.probe === undefined) return { ...server, verdict: "up", health: UNKNOWN_HEALTH };
  const health = healthOf(server.probe.key) ?? UNKNOWN_HEALTH;
  return { ...server, verdict: health.verdict, health };
}

/** The servers that the last-good rule keeps in work although they are down. */
function keptServers(unit: Unit, judged: readonly Judged[]): ReadonlySet<string> {
  const checked = judged.flatMap((entry) =>
    entry.probe === undefined ? [] : [{ name: entry.name, health: entry.health, timing: entry.probe.check }],
  );
  // A server that is not checked counts as up: then not everything is dead.
  if (checked.length < judged.length) return new Set();
  const kept = lastGoodSet(checked, unit.config.panicPercent ?? 0);
  return new Set([...kept].map((server) => server.name));
}

function workOf(takes: boolean, kept: boolean, undecided: boolean, sorry: boolean): ServiceWork {
  if (kept) return "last-good";
  if (takes || undecided) return "normal";
  return sorry ? "sorry" : "none";
}

/**
 * The wanted state of one virtual service.
 * @param nowMs for slow start, monotonic
 */
export function wantedService(unit: Unit, healthOf: HealthOf, drains: Drains, nowMs: number): BalancedService {
  const judged = unit.servers.map((server) => judge(server, healthOf));
  const kept = keptServers(unit, judged);
  const servers = new Map<string, RealServer>();
  const undecided: RealServer[] = [];
  let changesMs: number | undefined;
  for (const { server, name, verdict, health } of judged) {
    if (verdict === "unknown") {
      undecided.push(server);
      continue;
    }
    const ordered = orderedWeight(drains, unit.service.key, server.endpoint, server.weight);
    if (verdict === "up" || kept.has(name)) {
      const slow = slowStartWeight(ordered, health.recoveredMs, unit.config.slowStartMs ?? 0, nowMs);
      servers.set(name, { ...server, weight: slow.weight });
      changesMs = Math.min(changesMs ?? Number.POSITIVE_INFINITY, slow.nextMs ?? Number.POSITIVE_INFINITY);
    } else if (unit.config.onFailure === "quiesce") servers.set(name, { ...server, weight: 0 });
  }
  const takes = [...servers.values()].some((server) => server.weight > 0);
  const work = workOf(takes, kept.size > 0, undecided.length > 0, unit.sorry !== undefined);
  if (work === "sorry" && unit.sorry !== undefined) servers.set(realServerKey(unit.sorry), unit.sorry);
  return {
    service: unit.service,
    servers: [...servers.values()],
    undecided,
    work,
    ...(changesMs === undefined || changesMs === Number.POSITIVE_INFINITY ? {} : { changesMs }),
  };
}
