/** Where the daemon's socket, its state and the configuration are: by flag, or by default. */
import { CONFIG_DEFAULT, RUNTIME_DIR_DEFAULT, STATE_DIR_DEFAULT } from "../spec/global-flags.ts";
import type { CommandContext } from "./context.ts";

/** Where the control socket is. */
export function runtimeDir({ globals }: CommandContext): string {
  return globals.runtimeDir ?? RUNTIME_DIR_DEFAULT;
}

/** Where the daemon keeps what lasts over a restart. */
export function stateDir({ globals }: CommandContext): string {
  return globals.stateDir ?? STATE_DIR_DEFAULT;
}

/** The configuration file. */
export function configPath({ globals }: CommandContext): string {
  return globals.config ?? CONFIG_DEFAULT;
}
