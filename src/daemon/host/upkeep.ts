/** How the log and the files of the state directory are doing, and the warnings of it. */
import type { LogHealth } from "../../log/log-stream.ts";
import { formatSpan } from "../../model/duration.ts";
import type { StateFailure } from "./state-store.ts";

/**
 * The log and the state on disk: what a router can do without for a while. It goes on when they fail, and says so here.
 */
export interface Upkeep {
  readonly log: LogStatus;
  readonly state: StateStatus;
}

export interface LogStatus {
  /** Lines that could not be written since the daemon began. */
  readonly lostLines: number;
  /** null: none was lost. */
  readonly lastLostMsAgo: number | null;
  /** Why lines are being lost now; null: they are not. */
  readonly failure: string | null;
}

export interface StateStatus {
  readonly directory: string;
  /** Files that cannot be written now: what they would say is lost at a restart. */
  readonly failures: readonly { readonly file: string; readonly reason: string; readonly forMs: number }[];
}

/** Lost lines of the past are worth a word for so long: whoever reads the log of that time misses them. */
const LOSS_SHOWN_MS = 3_600_000;

export function logStatus({ lostLines, failure, lostAtMs }: LogHealth, nowMs: number): LogStatus {
  return {
    lostLines,
    lastLostMsAgo: lostAtMs === undefined ? null : Math.round(nowMs - lostAtMs),
    failure: failure ?? null,
  };
}

export function stateStatus(directory: string, failures: readonly StateFailure[], nowMs: number): StateStatus {
  return {
    directory,
    failures: failures.map(({ file, reason, sinceMs }) => ({ file, reason, forMs: Math.round(nowMs - sinceMs) })),
  };
}

export function upkeepWarnings({ log, state }: Upkeep): readonly string[] {
  return [...stateWarnings(state), ...logWarnings(log)];
}

function stateWarnings({ directory, failures }: StateStatus): readonly string[] {
  const byReason = Map.groupBy(failures, ({ reason }) => reason);
  return [...byReason].map(([reason, alike]) => {
    const forMs = Math.max(...alike.map((failure) => failure.forMs));
    const files = alike.map(({ file }) => file).join(", ");
    const since = `for ${formatSpan(forMs)}`;
    return `state cannot be kept in ${directory}: ${reason}, ${since} (${files}); what changed since is lost at a restart`;
  });
}

function logWarnings({ lostLines, lastLostMsAgo, failure }: LogStatus): readonly string[] {
  const count = lostLines === 1 ? "1 line" : `${lostLines} lines`;
  if (failure !== null) return [`the log cannot be written: ${failure}; ${count} lost so far`];
  if (lastLostMsAgo === null || lastLostMsAgo > LOSS_SHOWN_MS) return [];
  return [`${count} of the log could not be written, the last one ${formatSpan(lastLostMsAgo)} ago`];
}
