/** The command table: all nouns, in the order of the help. */
import { check } from "./check-spec.ts";
import { config } from "./config-spec.ts";
import { failover } from "./failover-spec.ts";
import { heartbeat } from "./heartbeat-spec.ts";
import { real } from "./real-spec.ts";
import { service } from "./service-spec.ts";
import { completions, doctor, helpOf, reload, run, status, version } from "./single-command-specs.ts";
import type { NounSpec } from "./spec-types.ts";
import { vip } from "./vip-spec.ts";

const DOING = [
  run,
  reload,
  status,
  vip,
  service,
  real,
  check,
  heartbeat,
  failover,
  config,
  doctor,
  completions,
] as const satisfies readonly NounSpec[];

export const help = helpOf(DOING.map(({ name }) => name));

/** Every command of tandem, in the order in which help shows them. */
export const COMMANDS = [...DOING, help, version] as const satisfies readonly NounSpec[];

export type NounName = (typeof COMMANDS)[number]["name"];
