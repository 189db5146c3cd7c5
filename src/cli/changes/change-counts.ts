/** Many changes of one command in one line: `added 1000 virtual services and 10000 real servers`. */
import { counted } from "../output/figures.ts";

/** More lines than these would not be read. */
export const LINES_TOLD_MAX = 20;

/** How many things of a kind something was done with. */
export interface ChangeCount {
  /** `added`, painted or not. */
  readonly done: string;
  /** `real server` */
  readonly noun: string;
  readonly count: number;
}

/** One line for all of them; what was done alike is said once. */
export function countsText(counts: readonly ChangeCount[]): string {
  const byDone = Map.groupBy(counts, ({ done }) => done);
  return [...byDone]
    .map(([done, alike]) => `${done} ${alike.map(({ count, noun }) => counted(count, noun)).join(" and ")}`)
    .join(", ");
}
