/** A change of role with its causal chain, as people read it. */
import type { TransitionStatus } from "../../daemon/status/status-report.ts";
import { formatSpan } from "../../model/duration.ts";
import { printable, type TableLayout } from "../output/table.ts";
import { wrap } from "../output/wrap.ts";

/** Two spaces, `59.9s before` right-aligned in sixteen columns, two spaces. */
const TIME_COLUMNS = 16;
const INDENT = "  ";
/** Sentences are not broken into narrower columns than this. */
const TEXT_WIDTH_MIN = 20;

/** The text after a lead of its own; what does not fit goes on below its beginning. */
function hanging(lead: string, text: string, widthColumns: number | undefined): string[] {
  const width = widthColumns === undefined ? Infinity : Math.max(TEXT_WIDTH_MIN, widthColumns - lead.length);
  const [first = "", ...rest] = wrap(printable(text), width);
  return [`${lead}${first}`, ...rest.map((line) => `${" ".repeat(lead.length)}${line}`)];
}

/** A transition with its causal chain. */
export function historyLines(entry: TransitionStatus, { palette, widthColumns }: TableLayout): string[] {
  const title = `${entry.at}  ${entry.from} → ${entry.to}  term ${entry.term}, ${formatSpan(entry.agoMs)} ago`;
  return [
    palette("strong", printable(title)),
    ...hanging(INDENT, entry.why, widthColumns),
    ...entry.chain.flatMap(({ beforeMs, what }) => {
      const time = `${formatSpan(beforeMs)} before`.padStart(TIME_COLUMNS);
      return hanging(`${INDENT}${time}${INDENT}`, what, widthColumns);
    }),
  ];
}
