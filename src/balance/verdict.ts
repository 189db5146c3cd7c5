import type { CheckTiming, ProbeOutcome, Verdict } from "../model/check.ts";
import type { LastProbe } from "./report.ts";

/** What is known of one probe's subject. Times are monotonic, in milliseconds. */
export interface Health {
  readonly verdict: Verdict;
  /** When the verdict began; absent when that was before this boot, or there is none yet. */
  readonly sinceMs?: number;
  readonly last?: LastProbe;
  /** When the failures in a row began that take, or took, the server from up to down. */
  readonly failingSinceMs?: number;
  /** Whether it refused since it began to fail: then the server's machine lives and says no by itself. */
  readonly refused: boolean;
  /** When it last came back from being down: slow start counts from here. */
  readonly recoveredMs?: number;
}

/** Neither up nor down, nothing tried. */
export const UNKNOWN_HEALTH: Health = { verdict: "unknown", refused: false };

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _dropped, ...rest } = value;
  return rest;
}

/**
 * What one more outcome makes of a health: `rise` successes in a row make it up, `fall` failures in a row down, from
 * unknown too. A success ends a row of failures and the other way round.
 * @param atMs when the attempt ended
 */
export function judgeOutcome(health: Health, outcome: ProbeOutcome, timing: CheckTiming, atMs: number): Health {
  const streak = health.last?.outcome.result === outcome.result ? health.last.streak + 1 : 1;
  const last: LastProbe = { outcome, atMs, streak };
  if (outcome.result === "success") {
    // A server that is down keeps the record of its going down until it is up: one success proves nothing.
    const held: Health = { ...health, last };
    if (health.verdict === "down" && streak < timing.rise) return held;
    const calm: Health = { ...without(held, "failingSinceMs"), refused: false };
    if (health.verdict === "up" || streak < timing.rise) return calm;
    return { ...calm, verdict: "up", sinceMs: atMs, ...(health.verdict === "down" ? { recoveredMs: atMs } : {}) };
  }
  const begins = streak === 1 && health.verdict !== "down";
  const failing: Health = {
    ...health,
    last,
    // A refusal counts for the whole row of failures: the machine that refused may be switched off afterwards.
    refused: outcome.failure === "refused" || (!begins && health.refused),
    ...(begins && health.verdict === "up" ? { failingSinceMs: atMs } : {}),
  };
  if (health.verdict === "down" || streak < timing.fall) return failing;
  return { ...without(failing, "recoveredMs"), verdict: "down", sinceMs: atMs };
}
