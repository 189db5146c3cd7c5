/** Reports what a command would change, as commands do. */
import { reportChanges } from "../../../../src/cli/changes/changes.ts";
import { Output } from "../../../../src/cli/output/output.ts";

const output = await Output.open({ json: false, color: "never" });
const absent = { config: undefined, runtimeDir: undefined, stateDir: undefined };
const globals = { ...absent, json: false, dryRun: true, color: "never", help: false, version: false } as const;
const planned = { kind: "planned" } as const;
reportChanges(
  [
    { do: "add", subject: "VIP 203.0.113.20/24 on an-interface", outcome: planned },
    { do: "edit", subject: "pair.lease", detail: "from 2s to 3s", outcome: planned },
  ],
  { output, globals },
);
