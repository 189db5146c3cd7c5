/** The history of changes of role: from the daemon, or from the file that it left behind. */
import { join } from "node:path";
import { daemonAnswers } from "../../daemon/control/control-client.ts";
import { readRegularFile } from "../../daemon/host/plain-file.ts";
import { STATE_BYTES_MAX } from "../../daemon/host/state-store.ts";
import { HISTORY_FILE } from "../../daemon/status/kept-state.ts";
import type { TransitionStatus } from "../../daemon/status/status-report.ts";
import { readStoredHistory } from "../../daemon/status/stored-state.ts";
import { newestFirst } from "../../daemon/status/transition-log.ts";
import { TandemError } from "../../lib/errors.ts";
import { systemReason } from "../../lib/system-reason.ts";
import type { CommandContext } from "../line/context.ts";
import { askHistory } from "../line/daemon-report.ts";
import { runtimeDir, stateDir } from "../line/directories.ts";
import { readFailure } from "../line/file-failure.ts";

function unusable(path: string, reason: string): TandemError {
  return new TandemError({ operation: "read the history", subject: path, reason });
}

function readFile(path: string): string | undefined {
  try {
    return readRegularFile(path, STATE_BYTES_MAX);
  } catch (error) {
    throw error instanceof Error && "code" in error ? readFailure(path, error) : unusable(path, systemReason(error));
  }
}

function parse(path: string, text: string): readonly TransitionStatus[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(path, systemReason(error));
  }
  return readStoredHistory(value, (problem) => {
    throw unusable(path, problem);
  });
}

/**
 * The transitions of this router, newest first: the daemon's, or where none answers those that it has left on disk.
 * @throws TandemError when there is neither
 */
export async function findHistory(context: CommandContext): Promise<readonly TransitionStatus[]> {
  if (await daemonAnswers(runtimeDir(context))) return await askHistory(context);
  const path = join(stateDir(context), HISTORY_FILE);
  const text = readFile(path);
  // It says where it looked for one.
  if (text === undefined) return await askHistory(context);
  const transitions = newestFirst(parse(path, text), new Date());
  context.output.note(`no daemon answers in ${runtimeDir(context)}; this is what ${path} says`);
  return transitions;
}
