import type { SingleRunner } from "./context.ts";
import { askStatus } from "./daemon-report.ts";
import type { status as spec } from "./spec/singles.ts";
import { stateExitCode, statusLines } from "./status-view.ts";
import { isTerminal } from "./terminal.ts";

const INTERVAL_DEFAULT_MS = 1_000;
/** ECMA-48: cursor to the first place; erase from there to the end of the screen. */
const CURSOR_HOME = "\u001b[H";
const ERASE_BELOW = "\u001b[J";
const ERASE_LINE_END = "\u001b[K";
const CLEAR_SCREEN = "\u001b[2J";

/** Shows the pair once, or again and again: redrawn on a terminal, one report after the other elsewhere. */
export const status: SingleRunner<typeof spec> = async ({ watch, interval }, context) => {
  const { output } = context;
  const redraws = watch && !output.json && isTerminal("stdout");
  if (redraws) output.write(CLEAR_SCREEN);
  for (;;) {
    const report = await askStatus(context);
    const lines = output.json ? [] : statusLines(report, output);
    if (output.json) output.printJson({ ...report });
    else if (redraws) {
      output.write(`${CURSOR_HOME}${lines.map((line) => `${line}${ERASE_LINE_END}\n`).join("")}${ERASE_BELOW}`);
    } else output.lines(watch ? [...lines, ""] : lines);
    if (!watch) return stateExitCode(report);
    await Bun.sleep(interval ?? INTERVAL_DEFAULT_MS);
  }
};
