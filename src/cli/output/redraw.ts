/** Pages that are shown again and again (`--watch`): fitted to the terminal, and drawn over the one before. */
import type { ExitCode } from "../../lib/errors.ts";
import { TandemError } from "../../lib/errors.ts";
import { formatSpan } from "../../model/duration.ts";
import { counted } from "./figures.ts";
import type { Output } from "./output.ts";
import { errorJson, errorLines } from "./report-error.ts";
import { isTerminal } from "./terminal.ts";
import { WatchEnded, WatchKeys } from "./watch-keys.ts";
import { wrapHanging } from "./wrap.ts";

/** ECMA-48: cursor to the first place; erase to the end of the line, below, everything. */
const CURSOR_HOME = "\u001b[H";
const ERASE_BELOW = "\u001b[J";
const ERASE_LINE_END = "\u001b[K";
const CLEAR_SCREEN = "\u001b[2J";

export interface Page {
  /** For people. */
  readonly lines: readonly string[];
  /** For --json; made only when it is asked for. */
  readonly json: () => Readonly<Record<string, unknown>>;
}

/** Waits until the next page is due. */
export type Pause = (ms: number) => Promise<void>;

/** The lines for which a window has room: what is left out, and how much that is, the last one says. */
export function fitPage(lines: readonly string[], rows: number): readonly string[] {
  // The cursor stands below the last line.
  const room = Math.max(1, rows - 1);
  if (lines.length <= room) return lines;
  const shown = lines.slice(0, room - 1);
  return [...shown, `… ${counted(lines.length - shown.length, "more line")}`];
}

/** What is shown while there is no page: why, and since when. */
function failurePage(error: TandemError, elapsedMs: number, { palette, widthColumns }: Output): Page {
  const since = { lead: "", text: `so for ${formatSpan(elapsedMs)}; it is tried again and again` };
  const width = widthColumns ?? Number.POSITIVE_INFINITY;
  return {
    lines: [...errorLines(error, palette), since].flatMap(({ lead, text }) => wrapHanging(lead, text, width)),
    json: () => ({ error: errorJson(error) }),
  };
}

/**
 * Makes pages, and one that says why where that fails: a daemon that is restarted, say, answers again. Of the first one
 * whoever asked hears as of any command.
 */
function withFailures(next: (pause: Pause) => Promise<Page>, output: Output): (pause: Pause) => Promise<Page> {
  let isFirst = true;
  let failedSinceMs: number | undefined;
  return async (pause) => {
    try {
      const page = await next(pause);
      isFirst = false;
      failedSinceMs = undefined;
      return page;
    } catch (error) {
      if (isFirst || !(error instanceof TandemError)) throw error;
      failedSinceMs ??= performance.now();
      return failurePage(error, performance.now() - failedSinceMs, output);
    }
  };
}

/**
 * Shows pages until `q` is typed or a signal ends the program: each over the last one on a terminal, one after the
 * other elsewhere. What fails once there was a page is shown and tried again.
 * @param next makes the next page; it takes whatever time the view wants between two.
 */
export async function showAgainAndAgain(output: Output, next: (pause: Pause) => Promise<Page>): Promise<ExitCode> {
  const redraws = !output.json && isTerminal("stdout");
  using keys = new WatchKeys();
  const pages = withFailures(next, output);
  let isClear = false;
  try {
    for (;;) {
      const page = await pages((ms) => keys.pause(ms));
      if (redraws && !isClear) output.write(CLEAR_SCREEN);
      isClear = true;
      if (output.json) output.printJson(page.json());
      else if (!redraws) output.lines([...page.lines, ""]);
      else {
        const shown = fitPage(page.lines, process.stdout.rows || page.lines.length + 1);
        output.write(`${CURSOR_HOME}${shown.map((line) => `${line}${ERASE_LINE_END}\n`).join("")}${ERASE_BELOW}`);
      }
    }
  } catch (error) {
    if (error instanceof WatchEnded) return 0;
    throw error;
  }
}

/** Shows one page. One of a single line says that there is nothing to show: a note, which no program takes for a list. */
export function showOnce(output: Output, { lines, json }: Page): void {
  if (output.json) output.printJson(json());
  else if (lines.length === 1) output.note(lines[0] ?? "");
  else output.lines(lines);
}

/**
 * Makes a page again and again, the first one at once, the others each `intervalMs` after the one before.
 * @param read makes a page of what there is now
 */
export function everyInterval(intervalMs: number, read: () => Page | Promise<Page>): (pause: Pause) => Promise<Page> {
  let isFirst = true;
  return async (pause) => {
    if (!isFirst) await pause(intervalMs);
    isFirst = false;
    return await read();
  };
}
