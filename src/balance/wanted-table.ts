import type { CheckTiming } from "../model/health-check.ts";
import type { WantedService } from "../model/ipvs-table.ts";
import { type RealServer, realServerKey } from "../model/real-server.ts";
import { type HealthOf, serverHealth, weightPercent } from "./health/combined-health.ts";
import { lastGoodSet } from "./health/last-good.ts";
import { hasQuorum } from "./health/quorum.ts";
import { slowStartWeight } from "./health/slow-start.ts";
import { type Health, UNKNOWN_HEALTH } from "./health/verdict.ts";
import type { ServiceWork } from "./servers/check-report.ts";
import { type Drains, orderedWeight } from "./servers/drains.ts";
import type { Unit, UnitServer } from "./servers/service-units.ts";

/** What the kernel should have for one virtual service. */
export interface BalancedService extends WantedService {
  /** Servers without a verdict: where the kernel has them they stay as they are, else they wait. */
  readonly undecided: readonly RealServer[];
  readonly work: ServiceWork;
  /** Whether enough servers are up; true where the configuration asks for no number. */
  readonly quorate: boolean;
  /** When slow start changes a weight next. */
  readonly changesMs?: number;
}

export type { HealthOf };

interface Judged extends UnitServer {
  readonly verdict: "up" | "down" | "unknown";
  readonly health: Health;
  /** What its programs make of its weight. */
  readonly percent: number;
}

function judge(server: UnitServer, healthOf: HealthOf): Judged {
  const health = serverHealth(server, healthOf);
  const percent = weightPercent(server, healthOf);
  if (health === undefined) return { ...server, verdict: "up", health: UNKNOWN_HEALTH, percent };
  return { ...server, verdict: health.verdict, health, percent };
}

/** The slowest of a server's checks tells how far apart failures that happened at once can be seen. */
function slowestCheck({ probes }: UnitServer): CheckTiming | undefined {
  const duration = ({ intervalMs, timeoutMs }: CheckTiming) => intervalMs + timeoutMs;
  return probes
    .map(({ check }): CheckTiming => check)
    .reduce<CheckTiming | undefined>(
      (slowest, check) => (slowest !== undefined && duration(slowest) >= duration(check) ? slowest : check),
      undefined,
    );
}

/** The servers that the last-good rule keeps in work although they are down. */
function keptServers(unit: Unit, judged: readonly Judged[]): ReadonlySet<string> {
  const checked = judged.flatMap((entry) => {
    const timing = slowestCheck(entry);
    return timing === undefined ? [] : [{ name: entry.name, health: entry.health, timing }];
  });
  // A server that is not checked counts as up: then not everything is dead.
  if (checked.length < judged.length) return new Set();
  const kept = lastGoodSet(checked, unit.config.panicPercent ?? 0);
  return new Set([...kept].map((server) => server.name));
}

interface Left {
  /** A server with a weight. */
  readonly takes: boolean;
  readonly kept: boolean;
  readonly undecided: boolean;
  /** A server that would take work, had no operator ordered otherwise. */
  readonly ordered: boolean;
}

function workOf({ takes, kept, undecided, ordered }: Left, sorry: RealServer | undefined): ServiceWork {
  if (kept) return "last-good";
  if (takes || undecided) return "normal";
  if (sorry !== undefined) return "sorry";
  return ordered ? "drained" : "none";
}

/** The part of a weight that a program gives, at least 1 unless it says 0. */
function partOfWeight(weight: number, percent: number): number {
  if (percent >= 100 || weight === 0) return weight;
  return percent === 0 ? 0 : Math.max(1, Math.round((weight * percent) / 100));
}

/** Whether the quorum is there; servers without a verdict yet count as up, so that a start loses none. */
function isQuorate(unit: Unit, judged: readonly Judged[], kept: ReadonlySet<string>, before: boolean): boolean {
  const servers = judged.map(({ server, name, verdict }) => ({
    isUp: verdict !== "down" || kept.has(name),
    weight: server.weight,
  }));
  return hasQuorum(unit.config.quorum, servers, before);
}

/**
 * The wanted state of one virtual service.
 * @param nowMs for slow start, monotonic
 * @param wasQuorate whether it had its quorum until now
 */
export function wantedService(
  unit: Unit,
  healthOf: HealthOf,
  drains: Drains,
  nowMs: number,
  wasQuorate = true,
): BalancedService {
  const judged = unit.servers.map((server) => judge(server, healthOf));
  const kept = keptServers(unit, judged);
  const quorate = isQuorate(unit, judged, kept, wasQuorate);
  const servers = new Map<string, RealServer>();
  const undecided: RealServer[] = [];
  let isOrdered = false;
  let changesMs: number | undefined;
  for (const { server, name, verdict, health, percent } of judged) {
    if (verdict === "unknown") {
      undecided.push(server);
      continue;
    }
    const weight = partOfWeight(server.weight, percent);
    const ordered = orderedWeight(drains, unit.service.key, server.endpoint, weight);
    if (verdict === "up" || kept.has(name)) {
      isOrdered ||= weight > 0 && ordered === 0;
      const slow = slowStartWeight(ordered, health.recoveredMs, unit.config.slowStartMs ?? 0, nowMs);
      servers.set(name, { ...server, weight: slow.weight });
      changesMs = Math.min(changesMs ?? Number.POSITIVE_INFINITY, slow.nextMs ?? Number.POSITIVE_INFINITY);
    } else if (unit.config.onFailure === "quiesce") servers.set(name, { ...server, weight: 0 });
  }
  // Too few are left to bear the work: the sorry server takes all of it.
  if (!quorate && unit.sorry !== undefined) return withSorry(unit, unit.sorry);
  const takes = [...servers.values()].some((server) => server.weight > 0);
  const left = { takes, kept: kept.size > 0, undecided: undecided.length > 0, ordered: isOrdered };
  const work = workOf(left, unit.sorry);
  if (work === "sorry" && unit.sorry !== undefined) servers.set(realServerKey(unit.sorry), unit.sorry);
  return {
    service: unit.service,
    servers: [...servers.values()],
    undecided,
    work,
    quorate,
    ...(changesMs === undefined || changesMs === Number.POSITIVE_INFINITY ? {} : { changesMs }),
  };
}

function withSorry(unit: Unit, sorry: RealServer): BalancedService {
  return { service: unit.service, servers: [sorry], undecided: [], work: "sorry", quorate: false };
}
