/** Whether this router could take the VIPs, and whether it is the better place for them. */
import { PATHS, type PathName } from "../model/pair.ts";
import type { MoveReason } from "../wire/heartbeat.ts";
import { isBlind, isFine, isMute, peerHasCarrier, peerSees, vipSides } from "./evidence.ts";
import { isHolding } from "./lease.ts";
import type { State } from "./state.ts";

/** Rule 12: at boot every side is waited for this long; later one side with a carrier has to do. */
const BOOT_CARRIER_WAIT_MS = 10_000;

/** Why this router cannot take the VIPs in a planned move, as a clause; undefined: it can. */
export function unreadiness(state: State, nowMs: number): string | undefined {
  if (state.stopping !== undefined || state.phase.kind === "stopped") return "it is stopping";
  if (state.phase.kind === "starting") return "it is starting";
  const lost = vipSides(state.settings).find((side) => !isFine(state, side, nowMs));
  if (lost !== undefined) {
    return state.sides[lost].carrier ? `it sees nobody on its ${lost} side` : `no carrier on its ${lost} side`;
  }
  const mute = vipSides(state.settings).find((side) => isMute(state, side, nowMs));
  if (mute !== undefined) return `nobody gets what it sends on its ${mute} side`;
  if (state.phase.kind === "active") return undefined;
  if (state.retryTakeAtMs !== undefined && nowMs < state.retryTakeAtMs) return "its kernel refused the addresses";
  if (state.phase.kind === "standby" && isHolding(state)) return "its kernel still has VIPs";
  if (state.phase.kind === "standby" && state.step !== undefined) return "its takeover program still runs";
  if (state.settings.hasServices && state.table?.complete !== true) return "its table is not complete";
  return undefined;
}

/** Enough to serve when nobody else does: some side of the VIPs has a carrier; right after boot, all of them. */
export function canServe(state: State, nowMs: number): boolean {
  const sides = vipSides(state.settings);
  if (state.retryTakeAtMs !== undefined && nowMs < state.retryTakeAtMs) return false;
  if (sides.every((side) => state.sides[side].carrier)) return true;
  const booted = nowMs - state.startedAtMs >= BOOT_CARRIER_WAIT_MS;
  return booted && sides.some((side) => state.sides[side].carrier);
}

/** When `canServe` may turn true by time alone. */
export function bootCarrierDeadline(state: State): number {
  return state.startedAtMs + BOOT_CARRIER_WAIT_MS;
}

/** When both routers' words about their carriers on this side can be compared. */
export function carrierSettledAtMs({ sides, peer, timing }: State, side: PathName): number {
  return Math.max(sides[side].carrierSinceMs, peer?.carrierSinceMs[side] ?? 0) + timing.carrierSettleMs;
}

/** Rule 1: a side that is worse here than there, while no side is worse there than here. */
export function betterThere(
  state: State,
  nowMs: number,
): { readonly side: PathName; readonly reason: MoveReason } | undefined {
  const noCarrierHere = PATHS.find(
    (side) => !state.sides[side].carrier && peerHasCarrier(state, side) && nowMs >= carrierSettledAtMs(state, side),
  );
  const noCarrierThere = PATHS.some((side) => state.sides[side].carrier && !peerHasCarrier(state, side));
  if (noCarrierThere) return undefined;
  if (noCarrierHere !== undefined) return { side: noCarrierHere, reason: "carrier-lost" };
  const blindHere = PATHS.find(
    (side) => (isBlind(state, side, nowMs) && peerSees(state, side, nowMs)) || isMute(state, side, nowMs),
  );
  return blindHere === undefined ? undefined : { side: blindHere, reason: "side-blind" };
}
