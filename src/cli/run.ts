import { runRouter } from "../daemon/run-router.ts";
import type { ExitCode } from "../lib/errors.ts";
import type { SingleRunner } from "./context.ts";
import { configPath, runtimeDir, stateDir } from "./directories.ts";
import type { run as spec } from "./spec/singles.ts";

/** The daemon of this router; returns when it has been told to stop and everything is handed over. */
export const run: SingleRunner<typeof spec> = async ({ router }, context): Promise<ExitCode> => {
  return await runRouter({
    configPath: configPath(context),
    runtimeDir: runtimeDir(context),
    stateDir: stateDir(context),
    ...(router === undefined ? {} : { router }),
  });
};
