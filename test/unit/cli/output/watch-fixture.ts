/**
 * A view of as many lines as the first word says, shown again and again as `--watch` does. So many pages after the first
 * one fail as the second word says; less than none: the first one does.
 */
import { Output } from "../../../../src/cli/output/output.ts";
import { everyInterval, showAgainAndAgain } from "../../../../src/cli/output/redraw.ts";
import { reportError } from "../../../../src/cli/output/report-error.ts";
import { TandemError } from "../../../../src/lib/errors.ts";

const lines = Array.from({ length: Number(process.argv[2]) }, (_, index) => `line ${index + 1}`);
const failures = Number(process.argv[3] ?? 0);
const output = await Output.open({ json: false, color: "never" });
let pages = 0;
const page = () => {
  const number = pages;
  pages += 1;
  const fails = failures < 0 || (number > 0 && number <= failures);
  if (fails) throw new TandemError({ operation: "read the lines", reason: "silence", hint: "wait" });
  return { lines, json: () => ({ lines }) };
};
const shown = showAgainAndAgain(output, everyInterval(100, page));
process.exit(await shown.catch((error: unknown) => reportError(error, output)));
