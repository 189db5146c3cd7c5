/** Whether this router could take the VIPs. */

import { PATHS } from "../../model/pair.ts";
import { isSettable, reportOf } from "../machine/interfaces.ts";
import { isHolding, isKernelStuck, wantedVips } from "../machine/lease.ts";
import type { State } from "../machine/state.ts";
import { compare } from "./comparison.ts";
import { isPeerAlive } from "./peer.ts";
import { vipSides } from "./side-evidence.ts";
import { hasTwin } from "./twin.ts";

/** Rule 12: at boot every side is waited for this long; later one side with a carrier has to do. */
const BOOT_CARRIER_WAIT_MS = 10_000;

/** Why this router cannot take the VIPs in a planned move, as a clause; undefined: it can. */
export function unreadiness(state: State, nowMs: number): string | undefined {
  if (state.stopping !== undefined || state.phase.kind === "stopped") return "it is stopping";
  if (state.phase.kind === "starting") return "it is starting";
  if (hasTwin(state, nowMs)) return `another machine (${state.twin?.mac}) has its address`;
  const comparison = isPeerAlive(state, nowMs) ? compare(state, nowMs) : undefined;
  if (comparison?.better === "there") return `it is the worse place: ${comparison.why.text}`;
  if (state.phase.kind === "active") return undefined;
  return inability(state, nowMs);
}

/** Why a standby could not take them whatever the peer is like. */
function inability(state: State, nowMs: number): string | undefined {
  if (!wantedVips(state).some((vip) => isSettable(state, vip))) return "none of the VIPs has its interface here";
  if (!hasCarrier(state)) return "no carrier on any side of the VIPs";
  if (state.retryTakeAtMs !== undefined && nowMs < state.retryTakeAtMs) return "its kernel refused the addresses";
  if (isKernelStuck(state, nowMs)) return "its kernel does not answer";
  if (state.phase.kind === "standby" && isHolding(state)) return "its kernel still has VIPs";
  if (state.phase.kind === "standby" && state.step !== undefined) return "its takeover program still runs";
  if (state.ipvsMissing !== undefined) return `its kernel has no IPVS: ${state.ipvsMissing}`;
  if (state.settings.hasServices && state.table?.complete !== true) return "its table is not complete";
  return undefined;
}

/** Why this router should not take the VIPs even of one that goes; being the worse place is no reason then. */
export function inabilityToServe(state: State, nowMs: number): string | undefined {
  if (state.stopping !== undefined || state.phase.kind === "stopped") return "it is stopping";
  if (hasTwin(state, nowMs)) return "another machine has its address";
  if (state.phase.kind === "standby" && isHolding(state)) return "its kernel still has VIPs";
  return canServe(state, nowMs) ? undefined : "none of the VIPs could be served here";
}

/** Some VIP's cable is in. */
function hasCarrier(state: State): boolean {
  return state.settings.vips.some(({ vip, side }) => {
    const report = reportOf(state, vip.interface);
    return report === undefined ? state.sides[side].carrier : report.link?.carrier === true;
  });
}

/**
 * Enough to serve when nobody else does: some VIP can be set, and its cable is in; right after boot, those of all sides that may still come.
 * Gates, routes and settings keep nobody from taking what is nobody's; without IPVS nothing would be served.
 */
export function canServe(state: State, nowMs: number): boolean {
  if (state.retryTakeAtMs !== undefined && nowMs < state.retryTakeAtMs) return false;
  if (state.ipvsMissing !== undefined) return false;
  // Cut off from its peer on both sides it would give them up at once (rule 6).
  if (PATHS.every((side) => !state.sides[side].carrier)) return false;
  if (!wantedVips(state).some((vip) => isSettable(state, vip))) return false;
  if (!hasCarrier(state)) return false;
  // Carriers that have never come may come yet; one that was lost is not waited for.
  const isAwaited = vipSides(state.settings).some((name) => {
    const side = state.sides[name];
    return !side.carrier && side.carrierSinceMs === state.startedAtMs;
  });
  return !isAwaited || nowMs - state.startedAtMs >= BOOT_CARRIER_WAIT_MS;
}

/** When `canServe` may turn true by time alone. */
export function bootCarrierDeadline(state: State): number {
  return state.startedAtMs + BOOT_CARRIER_WAIT_MS;
}
