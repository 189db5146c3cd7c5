import { CommandLineError } from "./command-line-error.ts";
import type { SingleRunner } from "./context.ts";
import { askStatus } from "./daemon-report.ts";
import { showAgainAndAgain } from "./redraw.ts";
import type { status as spec } from "./spec/singles.ts";
import { stateExitCode, statusLines } from "./status-view.ts";

const INTERVAL_DEFAULT_MS = 1_000;

/** Shows the pair once, or again and again. */
export const status: SingleRunner<typeof spec> = async ({ watch, interval }, context) => {
  const { output } = context;
  if (interval !== undefined && !watch) throw new CommandLineError("status", ["--interval needs --watch"]);
  const first = await askStatus(context);
  if (!watch) {
    if (output.json) output.printJson({ ...first });
    else output.lines(statusLines(first, output));
    return stateExitCode(first);
  }
  let isFirst = true;
  return await showAgainAndAgain(output, async (pause) => {
    if (!isFirst) await pause(interval ?? INTERVAL_DEFAULT_MS);
    const report = isFirst ? first : await askStatus(context);
    isFirst = false;
    return { lines: output.json ? [] : statusLines(report, output), json: () => ({ ...report }) };
  });
};
