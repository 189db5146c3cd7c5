import type { CheckTiming } from "../model/check.ts";
import type { Health } from "./verdict.ts";

/** A checked server as far as this rule is concerned. */
export interface CheckedServer {
  readonly health: Health;
  readonly timing: CheckTiming;
}

/**
 * Servers that die in the same instant are seen to fail at times that differ by an interval (their probes take turns)
 * and a timeout (one refuses to answer, another one takes its time); twice that for probes that came late.
 */
function atOnceWindowMs(servers: readonly CheckedServer[]): number {
  return 2 * Math.max(0, ...servers.map((server) => server.timing.intervalMs + server.timing.timeoutMs));
}

/**
 * "Is it me or them?" When the last servers of a service go down at once, and not because they refuse, the network or
 * the check is likelier to be broken than all the servers: those that died at once stay in work.
 * @param servers all checked servers of a service
 * @param panicPercent the rule holds when this share of them, or less, is up
 * @returns which of `servers` stay although they are down; empty when the rule does not hold.
 */
export function lastGoodSet<S extends CheckedServer>(servers: readonly S[], panicPercent: number): ReadonlySet<S> {
  const none: ReadonlySet<S> = new Set();
  if (servers.some((server) => server.health.verdict === "unknown")) return none;
  const down = servers.filter((server) => server.health.verdict === "down");
  if (down.length === 0 || (servers.length - down.length) * 100 > panicPercent * servers.length) return none;
  const latestMs = Math.max(...down.map((server) => server.health.failingSinceMs ?? Number.NEGATIVE_INFINITY));
  const windowMs = atOnceWindowMs(down);
  const together = down.filter(
    (server) => latestMs - (server.health.failingSinceMs ?? Number.NEGATIVE_INFINITY) <= windowMs,
  );
  // The death of one server alone is what checks are for.
  if (together.length < 2) return none;
  return new Set(together.filter((server) => !server.health.refused));
}
