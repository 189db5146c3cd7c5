import type { CheckTiming, ProbeOutcome, Verdict } from "../../model/health-check.ts";
import type { LastProbe } from "../servers/check-report.ts";
import { checkVerdict } from "./balance-invariants.ts";

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
  /** When the row of outcomes that `last` ends began. */
  readonly streakSinceMs?: number;
  /** When it went down, as far back as flap damping looks; the latest last. */
  readonly downsMs?: readonly number[];
  /** What its program last said of its weight, from 0 to 100. */
  readonly weightPercent?: number;
}

/** More falls than any limit of flap damping are not remembered. */
const DOWNS_KEPT = 100;

/** Neither up nor down, nothing tried. */
export const UNKNOWN_HEALTH: Health = { verdict: "unknown", refused: false };

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _dropped, ...rest } = value;
  return rest;
}

/** Whether a server that would be up now has to prove itself for longer, since it came and went too often. */
function isHeld(health: Health, timing: CheckTiming, atMs: number): boolean {
  const { flap } = timing;
  if (flap === undefined) return false;
  const falls = (health.downsMs ?? []).filter((downMs) => atMs - downMs < flap.windowMs).length;
  return falls >= flap.limit && atMs - (health.streakSinceMs ?? atMs) < flap.holdMs;
}

/** The falls that still count, with this one. */
function fallsWith(health: Health, timing: CheckTiming, atMs: number): { readonly downsMs?: readonly number[] } {
  const { flap } = timing;
  // Only a server that was up can fall.
  if (flap === undefined || health.verdict !== "up") return {};
  const recent = (health.downsMs ?? []).filter((downMs) => atMs - downMs < flap.windowMs);
  return { downsMs: [...recent, atMs].slice(-DOWNS_KEPT) };
}

/**
 * What one more outcome makes of a health: `fall` failures in a row make it down, from unknown too; `rise` successes in a
 * row bring back what was down. What was never judged is up with its first success: it did not fail before, and at a cold
 * start clients would be refused meanwhile. A success ends a row of failures and the other way round.
 * @param atMs when the attempt ended
 */
export function judgeOutcome(health: Health, outcome: ProbeOutcome, timing: CheckTiming, atMs: number): Health {
  const after = follow(health, outcome, timing, atMs);
  checkVerdict(health, after, timing);
  return after;
}

function follow(health: Health, outcome: ProbeOutcome, timing: CheckTiming, atMs: number): Health {
  const streak = health.last?.outcome.result === outcome.result ? health.last.streak + 1 : 1;
  const last: LastProbe = { outcome, atMs, streak };
  const streakSinceMs = streak === 1 ? atMs : (health.streakSinceMs ?? atMs);
  if (outcome.result === "success") {
    const weighed = outcome.weightPercent === undefined ? {} : { weightPercent: outcome.weightPercent };
    // A server that is down keeps the record of its going down until it is up: one success proves nothing.
    const held: Health = { ...health, last, streakSinceMs, ...weighed };
    if (health.verdict === "down" && (streak < timing.rise || isHeld(held, timing, atMs))) return held;
    const calm: Health = { ...without(held, "failingSinceMs"), refused: false };
    if (health.verdict === "up") return calm;
    return { ...calm, verdict: "up", sinceMs: atMs, ...(health.verdict === "down" ? { recoveredMs: atMs } : {}) };
  }
  const begins = streak === 1 && health.verdict !== "down";
  const failing: Health = {
    ...health,
    last,
    streakSinceMs,
    // A refusal counts for the whole row of failures: the machine that refused may be switched off afterwards.
    refused: outcome.failure === "refused" || (!begins && health.refused),
    ...(begins && health.verdict === "up" ? { failingSinceMs: atMs } : {}),
  };
  if (health.verdict === "down" || streak < timing.fall) return failing;
  const falls = fallsWith(health, timing, atMs);
  return { ...without(failing, "recoveredMs"), ...falls, verdict: "down", sinceMs: atMs };
}
