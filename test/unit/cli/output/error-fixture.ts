/** Reports an error with findings, and a note, as commands do. */
import { Output } from "../../../../src/cli/output/output.ts";
import { reportError } from "../../../../src/cli/output/report-error.ts";
import { TandemError } from "../../../../src/lib/errors.ts";

const output = await Output.open({ json: process.argv.includes("--json"), color: "never" });
output.note("a note that is longer than a line of this terminal has room for");
const reason = "the file has 1 mistake\n  /etc/tandem.toml:3:9: lease must be a duration from one second to one hour";
process.exit(reportError(new TandemError({ operation: "reload", reason, hint: "tandem config check" }), output));
