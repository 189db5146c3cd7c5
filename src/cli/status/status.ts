/** `tandem status`, once or with `--watch`. */
import type { SingleRunner } from "../line/context.ts";
import { askStatus } from "../line/daemon-report.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import { everyInterval, showAgainAndAgain } from "../output/redraw.ts";
import type { status as spec } from "../spec/single-command-specs.ts";
import { stateExitCode, statusLines } from "./status-view.ts";

const INTERVAL_DEFAULT_MS = 1_000;

/** Shows the pair once, or again and again. */
export const status: SingleRunner<typeof spec> = async ({ watch, interval }, context) => {
  const { output } = context;
  if (interval !== undefined && !watch) throw new CommandLineError("status", ["--interval needs --watch"]);
  if (watch) {
    const page = async () => {
      const report = await askStatus(context);
      return { lines: output.json ? [] : statusLines(report, output), json: () => ({ ...report }) };
    };
    return await showAgainAndAgain(output, everyInterval(interval ?? INTERVAL_DEFAULT_MS, page));
  }
  const report = await askStatus(context);
  if (output.json) output.printJson({ ...report });
  else output.lines(statusLines(report, output));
  return stateExitCode(report);
};
