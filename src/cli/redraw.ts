import type { Output } from "./output.ts";
import { isTerminal } from "./terminal.ts";

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

/**
 * Shows pages until a signal ends the program: each over the last one on a terminal, one after the other elsewhere.
 * @param next makes the next page; it takes whatever time the view wants between two.
 */
export async function showAgainAndAgain(output: Output, next: () => Promise<Page>): Promise<never> {
  const redraws = !output.json && isTerminal("stdout");
  if (redraws) output.write(CLEAR_SCREEN);
  for (;;) {
    const page = await next();
    if (output.json) output.printJson(page.json());
    else if (!redraws) output.lines([...page.lines, ""]);
    else {
      // What does not fit would scroll the heading away.
      const shown = page.lines.slice(0, Math.max(1, (process.stdout.rows || page.lines.length + 1) - 1));
      output.write(`${CURSOR_HOME}${shown.map((line) => `${line}${ERASE_LINE_END}\n`).join("")}${ERASE_BELOW}`);
    }
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
export function everyInterval(intervalMs: number, read: () => Page | Promise<Page>): () => Promise<Page> {
  let isFirst = true;
  return async () => {
    if (!isFirst) await Bun.sleep(intervalMs);
    isFirst = false;
    return await read();
  };
}
