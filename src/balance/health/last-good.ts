import type { CheckTiming } from "../../model/health-check.ts";
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
  return 2 * servers.reduce((longest, { timing }) => Math.max(longest, timing.intervalMs + timing.timeoutMs), 0);
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
  const judged = servers.filter((server) => server.health.verdict !== "unknown");
  const down = judged.filter((server) => server.health.verdict === "down");
  if (down.length === 0 || (judged.length - down.length) * 100 > panicPercent * judged.length) return none;
  // Those that were never up have no such time: they were never good.
  const fell = down.filter((server) => server.health.failingSinceMs !== undefined);
  const fellAtMs = (server: S): number => server.health.failingSinceMs ?? Number.NEGATIVE_INFINITY;
  const latestMs = fell.reduce((latest, server) => Math.max(latest, fellAtMs(server)), Number.NEGATIVE_INFINITY);
  const windowMs = atOnceWindowMs(fell);
  const together = fell.filter((server) => latestMs - fellAtMs(server) <= windowMs);
  // The death of one server alone is what checks are for.
  if (together.length < 2) return none;
  return new Set(together.filter((server) => !server.health.refused));
}
