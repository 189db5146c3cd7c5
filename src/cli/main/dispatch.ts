/** Which function does a verb. Each noun is loaded when it is called for, so that a short command starts fast. */
import { assert } from "../../lib/assert.ts";
import type { ExitCode } from "../../lib/errors.ts";
import type { CommandContext } from "../line/context.ts";
import type { NounName } from "../spec/command-table.ts";

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
  reload: async () => erase({ "": (await import("../config/reload-command.ts")).reload }),
  status: async () => erase({ "": (await import("../status/status.ts")).status }),
  vip: async () => erase((await import("../vip/vip-command.ts")).runners),
  service: async () => erase((await import("../service/service-command.ts")).runners),
  real: async () => erase((await import("../real/real-command.ts")).runners),
  check: async () => erase((await import("../check/check-command.ts")).runners),
  heartbeat: async () => erase((await import("../heartbeat/heartbeat-command.ts")).runners),
  failover: async () => erase((await import("../failover/failover-command.ts")).runners),
  config: async () => erase((await import("../config/config-command.ts")).runners),
  doctor: async () => erase({ "": (await import("../status/doctor.ts")).doctor }),
  completions: async () => erase({ "": (await import("../docs/completions.ts")).completions }),
  help: async () => erase({ "": (await import("../docs/help-command.ts")).help }),
  version: async () => erase({ "": (await import("../docs/version-command.ts")).version }),
};

/** The function of a command of the table. */
export async function loadRunner(noun: string, verb: string | undefined): Promise<AnyRunner> {
  const load = Object.hasOwn(LOADERS, noun) ? LOADERS[noun as NounName] : undefined;
  assert(load !== undefined, `no loader for ${noun}`);
  const runner = (await load())[verb ?? ""];
  assert(runner !== undefined, `no function for ${noun} ${verb ?? ""}`);
  return runner;
}
