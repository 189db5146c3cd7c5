/** Flags that all commands take, or those that say so in `uses`, and the paths that are their defaults. */
import { type FlagSpec, switchFlag, valueFlag } from "./spec-types.ts";
import { choice, directory, file } from "./value-kinds.ts";

export const CONFIG_DEFAULT = "/etc/tandem/tandem.toml";
export const RUNTIME_DIR_DEFAULT = "/run/tandem";
export const STATE_DIR_DEFAULT = "/var/lib/tandem";

/** Flags that every command takes, before or after its words. */
export const GLOBAL_FLAGS = {
  config: valueFlag(file, {
    valueName: "FILE",
    short: "c",
    defaultText: CONFIG_DEFAULT,
    doc: "the configuration file",
  }),
  json: switchFlag("print JSON; errors as JSON on standard error"),
  dryRun: switchFlag("print what would change and change nothing"),
  runtimeDir: valueFlag(directory, {
    valueName: "DIR",
    defaultText: RUNTIME_DIR_DEFAULT,
    doc: "where the daemon's control socket is",
  }),
  stateDir: valueFlag(directory, {
    valueName: "DIR",
    defaultText: STATE_DIR_DEFAULT,
    doc: "where drains, holds and the history are kept",
  }),
  color: valueFlag(choice(["auto", "always", "never"]), {
    valueName: "WHEN",
    defaultText: "auto",
    doc: "colour: auto, always or never",
    longDoc: "With auto, output is coloured on a terminal unless NO_COLOR is set or TERM is dumb.",
  }),
  help: switchFlag("show help for the words given so far", { short: "h" }),
  version: switchFlag("show the version, the commit and the version of Bun", { short: "V" }),
} satisfies Readonly<Record<string, FlagSpec<unknown>>>;
