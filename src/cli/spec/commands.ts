import { check } from "./check.ts";
import { config } from "./config.ts";
import { failover } from "./failover.ts";
import { heartbeat } from "./heartbeat.ts";
import { real } from "./real.ts";
import { service } from "./service.ts";
import { completions, doctor, helpOf, reload, run, status, version } from "./singles.ts";
import type { NounSpec } from "./types.ts";
import { vip } from "./vip.ts";

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
