/** Whether this router could serve each VIP, or why not (rule 16). */
import type { Family } from "../../model/address.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import {
  type FitnessReport,
  GATES_LIMIT,
  type GateState,
  type GateWord,
  type Unfitness,
} from "../../wire/heartbeat/heartbeat.ts";
import { reportOf, sidesOf } from "../machine/interfaces.ts";
import { reportedVips, vipKey } from "../machine/lease.ts";
import type { SidedVip } from "../machine/settings.ts";
import type { State } from "../machine/state.ts";
import type { GateReport } from "../machine/surroundings.ts";
import type { Turn } from "../machine/turn.ts";
import { gateDigest, isDeciding } from "./gate-evidence.ts";
import { peerFitness } from "./peer.ts";
import { evidenceWindowMs, isBlind, isMute, peerSees } from "./side-evidence.ts";

/** A gate that has just recovered may fail again in a moment: the peer relies on it after this (rule 17). */
export const GATE_TRUSTED_MS = 30_000;

function linkTrouble(state: State, { vip, side }: SidedVip): Unfitness | undefined {
  const report = reportOf(state, vip.interface);
  if (report === undefined) return state.sides[side].carrier ? undefined : "no-carrier";
  if (report.link === undefined) return "no-interface";
  if (!report.link.up) return "link-down";
  if (!report.link.carrier) return "no-carrier";
  return report.ownAddress ? undefined : "no-address";
}

/** Since when a third interface has been as it is: what was not heard before is no silence. */
function thirdBlindAtMs(state: State, name: string): number {
  const { lastFrameAtMs = -Infinity, lastNeighbourAtMs = -Infinity } = state.thirdEvidence.get(name) ?? {};
  const sinceMs = Math.max(lastFrameAtMs, lastNeighbourAtMs, state.awakeSinceMs, state.linkSinceMs.get(name) ?? 0);
  return sinceMs + evidenceWindowMs(state.settings);
}

/** For a whole window neither a neighbour's answer nor any other frame was seen where this VIP is. */
export function isVipBlind(state: State, sided: SidedVip, nowMs: number): boolean {
  const sides = sidesOf(state, sided);
  if (sides.length > 0) return sides.some((side) => isBlind(state, side, nowMs));
  const name = sided.vip.interface;
  return state.thirdEvidence.get(name)?.askable === true && nowMs >= thirdBlindAtMs(state, name);
}

/** There are neighbours where this VIP is that could be asked. */
export function isVipAskable(state: State, sided: SidedVip): boolean {
  const sides = sidesOf(state, sided);
  if (sides.length > 0) return sides.some((side) => state.sides[side].askable);
  return state.thirdEvidence.get(sided.vip.interface)?.askable === true;
}

/** Nobody answers here, and neighbours answer the peer there: frames excuse an interface, they never accuse one. */
function isSilent(state: State, sided: SidedVip, nowMs: number): boolean {
  const sides = sidesOf(state, sided);
  if (sides.length > 0) return sides.some((side) => isSideSilent(state, side, nowMs));
  return isVipBlind(state, sided, nowMs) && peerFitness(state, sided.vip)?.answered === true;
}

/** As for a VIP, for a side that may carry none. */
export function isSideSilent(state: State, side: PathName, nowMs: number): boolean {
  return (isBlind(state, side, nowMs) && peerSees(state, side, nowMs)) || isMute(state, side, nowMs);
}

/** The default route that this router has had in its present role is gone. */
export function hasLostRoute({ surroundings, routesHad }: State, family: Family): boolean {
  return surroundings !== undefined && routesHad.includes(family) && !surroundings.defaultRoutes.includes(family);
}

/** Why this router could not serve the VIP; undefined: it could. */
export function unfitness(state: State, sided: SidedVip, nowMs: number): Unfitness | undefined {
  const trouble = linkTrouble(state, sided);
  if (trouble !== undefined) return trouble;
  if (state.refused.has(vipKey(sided.vip))) return "refused";
  if (isSilent(state, sided, nowMs)) return "silent";
  if (sided.carriesServices === true) {
    if (state.ipvsMissing !== undefined) return "no-ipvs";
    if ((state.surroundings?.settingsLost.length ?? 0) > 0) return "settings";
  }
  return hasLostRoute(state, sided.vip.prefix.address.family) ? "no-route" : undefined;
}

/** A neighbour has answered lately on the interface of this VIP. */
function hasAnswer(state: State, sided: SidedVip, nowMs: number): boolean {
  const sides = sidesOf(state, sided);
  const times =
    sides.length > 0
      ? sides.map((side) => state.sides[side].lastNeighbourAtMs)
      : [state.thirdEvidence.get(sided.vip.interface)?.lastNeighbourAtMs];
  return times.some((atMs) => atMs !== undefined && nowMs - atMs < evidenceWindowMs(state.settings));
}

function gateState({ state, sinceMs }: GateReport, nowMs: number): GateState {
  return state === "passing" && nowMs - sinceMs < GATE_TRUSTED_MS ? "recovering" : state;
}

function gateWords(state: State, nowMs: number): readonly GateWord[] {
  return state.gates
    .filter(isDeciding)
    .slice(0, GATES_LIMIT)
    .map((gate) => ({ digest: gateDigest(gate.name), state: gateState(gate, nowMs) }));
}

/** What the peer is told; undefined until this machine's surroundings were read. */
export function fitnessReport(state: State, nowMs: number): FitnessReport | undefined {
  if (state.surroundings === undefined) return undefined;
  const vips = reportedVips(state).map((sided) => {
    const unfit = unfitness(state, sided, nowMs);
    return { ...(unfit === undefined ? {} : { unfit }), answered: hasAnswer(state, sided, nowMs) };
  });
  return { vips, defaultRoutes: state.surroundings.defaultRoutes, gates: gateWords(state, nowMs) };
}

const WORDS: Readonly<Record<Exclude<Unfitness, "no-interface" | "link-down">, string>> = {
  "no-carrier": "no carrier",
  "no-address": "own address gone",
  refused: "the kernel refused the VIP",
  silent: "no neighbour answers, though they answer the other router",
  "no-ipvs": "the kernel has no IPVS",
  settings: "kernel settings were changed",
  "no-route": "the default route is gone",
};

/** Why a VIP could not be served, as a clause without the VIP: `eth2 is down`, `no carrier`. */
export function unfitClause(vip: Vip, why: Unfitness): string {
  if (why === "no-interface") return `there is no interface ${vip.interface}`;
  return why === "link-down" ? `${vip.interface} is down` : WORDS[why];
}

/** The same with the VIP: `203.0.113.10 on eth2: no carrier`. */
export function unfitText(vip: Vip, why: Unfitness): string {
  const isNamed = why === "no-interface" || why === "link-down";
  const place = isNamed ? "" : ` on ${vip.interface}`;
  return `${vip.prefix.address.text}${place}: ${unfitClause(vip, why)}`;
}

/** When a third interface turns silent if nothing more is seen there. */
export function thirdDeadlines(state: State): readonly number[] {
  return [...state.thirdEvidence.keys()].map((name) => thirdBlindAtMs(state, name));
}

/** All VIPs that this router could not serve, with the reasons. */
export function unfitVips(
  state: State,
  nowMs: number,
): readonly { readonly sided: SidedVip; readonly why: Unfitness }[] {
  return state.settings.vips.flatMap((sided) => {
    const why = unfitness(state, sided, nowMs);
    return why === undefined ? [] : [{ sided, why }];
  });
}

/** Sides whose cable is in and that are not silent; also of sides that carry no VIP. */
export function fineSides(state: State, nowMs: number): readonly PathName[] {
  return PATHS.filter((side) => state.sides[side].carrier && !isSideSilent(state, side, nowMs));
}

/**
 * A default route that was there in this role is remembered. A new role begins with what is there, and with what was lost
 * before it began: a router that handed over for a lost route is not fit again because its role has changed.
 */
export function noteRoutes(turn: Turn, isNewRole: boolean): void {
  const { surroundings, routesHad } = turn.state;
  if (surroundings === undefined) return;
  const kept = isNewRole ? routesHad.filter((family) => hasLostRoute(turn.state, family)) : routesHad;
  turn.set({ routesHad: [...new Set([...kept, ...surroundings.defaultRoutes])] });
}
