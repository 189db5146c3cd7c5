import { runRouter } from "../../daemon/router/run-router.ts";
import type { ExitCode } from "../../lib/errors.ts";
import type { SingleRunner } from "../line/context.ts";
import { configPath, runtimeDir, stateDir } from "../line/directories.ts";
import type { run as spec } from "../spec/single-command-specs.ts";

/** The daemon of this router; returns when it has been told to stop and everything is handed over. */
export const run: SingleRunner<typeof spec> = async ({ router }, context): Promise<ExitCode> => {
  return await runRouter({
    configPath: configPath(context),
    runtimeDir: runtimeDir(context),
    stateDir: stateDir(context),
    ...(router === undefined ? {} : { router }),
  });
};
