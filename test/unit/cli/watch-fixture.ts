/** A view of as many lines as the first word says, shown again and again as `--watch` does. */
import { Output } from "../../../src/cli/output.ts";
import { everyInterval, showAgainAndAgain } from "../../../src/cli/redraw.ts";

const lines = Array.from({ length: Number(process.argv[2]) }, (_, index) => `line ${index + 1}`);
const output = await Output.open({ json: false, color: "never" });
const page = () => ({ lines, json: () => ({ lines }) });
process.exit(await showAgainAndAgain(output, everyInterval(100, page)));
