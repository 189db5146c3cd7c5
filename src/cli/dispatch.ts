import { assert } from "../lib/assert.ts";
import type { ExitCode } from "../lib/errors.ts";
import type { CommandContext } from "./context.ts";
import type { NounName } from "./spec/commands.ts";

/** A verb's function, its input's type forgotten: the command table has checked the values. */
export type AnyRunner = (
  input: Readonly<Record<string, unknown>>,
  context: CommandContext,
) => ExitCode | Promise<ExitCode>;

type AnyRunners = Readonly<Record<string, AnyRunner>>;

/** The input's type is forgotten here and nowhere else: it follows from the table, by which the words were read. */
function erase(runners: object): AnyRunners {
  return runners as AnyRunners;
}

/** Each noun is loaded when it is asked for, so that a command starts with nothing it doesn't need. */
const LOADERS: Readonly<Record<NounName, () => Promise<AnyRunners>>> = {
  run: async () => erase({ "": (await import("./run.ts")).run }),
  reload: async () => erase({ "": (await import("./reload.ts")).reload }),
  status: async () => erase({ "": (await import("./status.ts")).status }),
  vip: async () => erase((await import("./vip.ts")).runners),
  service: async () => erase((await import("./service.ts")).runners),
  real: async () => erase((await import("./real.ts")).runners),
  check: async () => erase((await import("./check.ts")).runners),
  heartbeat: async () => erase((await import("./heartbeat.ts")).runners),
  failover: async () => erase((await import("./failover.ts")).runners),
  config: async () => erase((await import("./config.ts")).runners),
  doctor: async () => erase({ "": (await import("./doctor.ts")).doctor }),
  completions: async () => erase({ "": (await import("./completions.ts")).completions }),
  help: async () => erase({ "": (await import("./help-command.ts")).help }),
  version: async () => erase({ "": (await import("./version.ts")).version }),
};

/** The function of a command of the table. */
export async function loadRunner(noun: string, verb: string | undefined): Promise<AnyRunner> {
  const load = Object.hasOwn(LOADERS, noun) ? LOADERS[noun as NounName] : undefined;
  assert(load !== undefined, `no loader for ${noun}`);
  const runner = (await load())[verb ?? ""];
  assert(runner !== undefined, `no function for ${noun} ${verb ?? ""}`);
  return runner;
}
