import { WEIGHT_MAX } from "../../model/real-server.ts";
import { type FlagSpec, resolveFlag, switchFlag, valueFlag } from "./spec-types.ts";
import { integer, positiveDuration } from "./value-kinds.ts";

/** What orders for real servers have in common, whether for one of them or for a whole service. */

export const ORDERS_JSON =
  "{version, dryRun, changes: [{do, subject, outcome}], warnings: [text]}; the outcome is unsaved where a restart of the daemon would forget it (exit code 1)";

const order = { uses: ["runtimeDir"], changes: true, jsonDoc: ORDERS_JSON } as const;

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
