/** What a stream of probes says about the moves that happened meanwhile. Pure: times in, figures out. */

export interface Attempt {
  /** When it began, on one clock for the whole drill. */
  readonly atMs: number;
  /** Undefined: no answer yet. */
  readonly answered: boolean | undefined;
  /** Until the answer. */
  readonly tookMs?: number;
  /** Why there is none, in a few words. */
  readonly reason?: string;
}

export interface LossReason {
  readonly reason: string;
  readonly times: number;
}

/** An echo may be lost anywhere and costs nobody anything; a lost connection is somebody's. */
export type StreamKind = "echo" | "connection";

export interface StreamFigures {
  readonly sent: number;
  readonly lost: number;
  /** The longest time between the beginnings of two attempts that were answered. */
  readonly longestGapMs: number;
  /** The longest time without an attempt: a gap no longer than that says nothing. */
  readonly longestPauseMs: number;
  /** The longest wait for an answer that came: TCP asks again after a second (RFC 6298). */
  readonly slowestMs: number;
}

function longestStep(timesMs: readonly number[]): number {
  return timesMs.reduce((longest, atMs, index) => Math.max(longest, atMs - (timesMs[index - 1] ?? atMs)), 0);
}

export function streamFigures(attempts: readonly Attempt[]): StreamFigures {
  const answered = attempts.filter((one) => one.answered === true).map((one) => one.atMs);
  const times = attempts.map((one) => one.atMs);
  return {
    sent: attempts.length,
    lost: attempts.length - answered.length,
    // The gap of a stream that began or ended without an answer lasts from its first attempt, and to its last one.
    longestGapMs: longestStep([...times.slice(0, 1), ...answered, ...times.slice(-1)]),
    longestPauseMs: longestStep(times),
    slowestMs: attempts.reduce((slowest, { tookMs }) => Math.max(slowest, tookMs ?? 0), 0),
  };
}

/** Why attempts were lost, the most frequent reason first. One that may still be answered has none. */
export function lossReasons(attempts: readonly Attempt[]): LossReason[] {
  const times = new Map<string, number>();
  for (const { answered, reason } of attempts) {
    if (answered === false && reason !== undefined) times.set(reason, (times.get(reason) ?? 0) + 1);
  }
  return [...times].map(([reason, count]) => ({ reason, times: count })).sort((one, other) => other.times - one.times);
}

/** Whether a client would have minded; `unknown`: the probe itself paused for longer than the limit. */
export type Judgement = "good" | "bad" | "unknown";

/** The gaps between answered attempts, each with the longest time in it without an attempt. */
function gapsOf(attempts: readonly Attempt[]): { readonly gapMs: number; readonly pauseMs: number }[] {
  const gaps: { gapMs: number; pauseMs: number }[] = [];
  let gapMs = 0;
  let pauseMs = 0;
  for (const [index, { atMs, answered }] of attempts.entries()) {
    const stepMs = atMs - (attempts[index - 1]?.atMs ?? atMs);
    gapMs += stepMs;
    pauseMs = Math.max(pauseMs, stepMs);
    if (answered !== true && index < attempts.length - 1) continue;
    gaps.push({ gapMs, pauseMs });
    gapMs = 0;
    pauseMs = 0;
  }
  return gaps;
}

/** What a stream says of a limit for gaps. One that is no longer than the probe's own pause in it says nothing. */
export function judge(kind: StreamKind, attempts: readonly Attempt[], maxGapMs: number): Judgement {
  if (kind === "connection" && attempts.some(({ answered }) => answered !== true)) return "bad";
  const gaps = gapsOf(attempts).filter(({ gapMs }) => gapMs > maxGapMs);
  if (gaps.some(({ gapMs, pauseMs }) => gapMs > pauseMs)) return "bad";
  return gaps.length > 0 || attempts.length === 0 ? "unknown" : "good";
}
