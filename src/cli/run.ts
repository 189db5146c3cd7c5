import { DEFAULT_CONFIG_PATH } from "../config/load.ts";
import { runRouter } from "../daemon/run-router.ts";
import type { ExitCode } from "../lib/errors.ts";
import type { SingleRunner } from "./context.ts";
import { RUNTIME_DIR_DEFAULT, STATE_DIR_DEFAULT } from "./spec/globals.ts";
import type { run as spec } from "./spec/singles.ts";

/** `tandem run`: the daemon of this router, until it is told to stop. */
export const run: SingleRunner<typeof spec> = async (input, { globals }): Promise<ExitCode> => {
  await runRouter({
    configPath: globals.config ?? DEFAULT_CONFIG_PATH,
    ...(input.router === undefined ? {} : { router: input.router }),
    runtimeDir: globals.runtimeDir ?? RUNTIME_DIR_DEFAULT,
    stateDir: globals.stateDir ?? STATE_DIR_DEFAULT,
  });
  return process.exitCode === 1 ? 1 : 0;
};
