/** What orders for real servers have in common, whether for one of them or for a whole service. */
import { WEIGHT_MAX } from "../../model/real-server.ts";
import { ORDERS_JSON } from "./json-shapes.ts";
import { type FlagSpec, resolveFlag, switchFlag, valueFlag } from "./spec-types.ts";
import { integer, positiveDuration } from "./value-kinds.ts";

const order = { uses: ["runtimeDir"], changes: true, jsonDoc: ORDERS_JSON } as const;

/** What a drain is, and where it is kept. */
export const DRAIN_DESCRIPTION = [
  "Goes through the daemon where one runs: it then lasts over reload, restart and failover, and holds at the other router too.",
  "Without a daemon, and for a service that was made by hand beside one, the weight in the kernel becomes 0, and lasts as long as that.",
];

/** What ends it. */
export const UNDRAIN_DESCRIPTION = [
  "Goes through the daemon where one runs: a real server gets its configured weight, or with --weight this one instead, which like a drain lasts over reload, restart and failover, until undrain without --weight. Without a daemon, and for a service that was made by hand beside one, it gets the weight named here.",
];

/** Of each drain. */
export const drainOrder = { ...order, exit3: "connections were still open at the end of the wait" } as const;

export const waitFlags = {
  wait: switchFlag("wait until no connection is open; show how many are"),
  timeout: valueFlag(positiveDuration, {
    valueName: "TIME",
    defaultText: "10m",
    doc: "with --wait: the longest wait",
  }),
};

/** Of each undrain. */
export const undrainOrder = order;

/** @param doc of the weight: whose it is */
export function undrainFlags(doc: string): {
  readonly weight: FlagSpec<number | undefined>;
  readonly resolve: FlagSpec<boolean>;
} {
  const weight = valueFlag(integer(0, WEIGHT_MAX), {
    valueName: "N",
    defaultText: "as configured; 1 without a daemon",
    doc,
  });
  return { weight, resolve: resolveFlag };
}
