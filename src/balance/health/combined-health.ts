import type { UnitServer } from "../servers/service-units.ts";
import { type Health, UNKNOWN_HEALTH } from "./verdict.ts";

export type HealthOf = (probeKey: string) => Health | undefined;

function latest(times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((time) => time !== undefined);
  return given.length === 0 ? undefined : Math.max(...given);
}

/**
 * The health of a server that must pass several checks: down with one of them, unknown while one of them is, else up.
 * What was seen last is told of the check that stands worst.
 * @param healths at least one
 */
export function combineHealths(healths: readonly Health[]): Health {
  const [first = UNKNOWN_HEALTH, ...others] = healths;
  if (others.length === 0) return first;
  const verdict = (["down", "unknown"] as const).find((each) => healths.some((health) => health.verdict === each));
  const deciding = healths.filter((health) => health.verdict === (verdict ?? "up"));
  const [worst = first] = deciding;
  // Down since the first check failed; up since the last one passed.
  const since = deciding.map((health) => health.sinceMs);
  const known = since.filter((time) => time !== undefined);
  const sinceMs = verdict === "down" && known.length > 0 ? Math.min(...known) : latest(since);
  const failing = deciding.map((health) => health.failingSinceMs).filter((time) => time !== undefined);
  const recoveredMs = verdict === undefined ? latest(healths.map((health) => health.recoveredMs)) : undefined;
  return {
    verdict: verdict ?? "up",
    refused: deciding.some((health) => health.refused),
    ...(worst.last === undefined ? {} : { last: worst.last }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(failing.length === 0 ? {} : { failingSinceMs: Math.min(...failing) }),
    ...(recoveredMs === undefined ? {} : { recoveredMs }),
  };
}

/** The health of a server by all its probes; undefined for one that is not checked. */
export function serverHealth({ probes }: UnitServer, healthOf: HealthOf): Health | undefined {
  return probes.length === 0 ? undefined : combineHealths(probes.map(({ key }) => healthOf(key) ?? UNKNOWN_HEALTH));
}

/** The smallest percentage of the weight that a program of the server's checks gave; 100 when none did. */
export function weightPercent({ probes }: UnitServer, healthOf: HealthOf): number {
  return probes.reduce((least, { key }) => Math.min(least, healthOf(key)?.weightPercent ?? 100), 100);
}
