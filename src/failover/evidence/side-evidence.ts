/** What a router can see of each side besides its peer's words (rules 1, 4 and 6). */
import { PATHS, type PathName } from "../../model/pair.ts";
import type { SideReport } from "../../wire/heartbeat/heartbeat.ts";
import { sidesOf } from "../machine/interfaces.ts";
import type { FailoverSettings } from "../machine/settings.ts";
import type { Side, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** Neighbours are asked every interval; three answers may be lost before a fast pair calls a side blind. */
const WINDOW_MIN_MS = 1_000;

/** How old evidence may be before a side counts as blind. */
export function evidenceWindowMs(settings: FailoverSettings): number {
  return Math.max(settings.deadAfterMs, WINDOW_MIN_MS);
}

function lastSeenAtMs(side: Side): number {
  return Math.max(side.lastFrameAtMs ?? -Infinity, side.lastNeighbourAtMs ?? -Infinity);
}

/** Carrier, neighbours that should answer, and for a whole window neither an answer nor any other frame. */
export function isBlind(state: State, side: PathName, nowMs: number): boolean {
  const { carrier, askable } = state.sides[side];
  return carrier && askable && nowMs >= blindAtMs(state, side);
}

/**
 * Frames come in, but nobody gets what is sent: for a whole window no neighbour has answered here and the peer has not
 * heard me there, while neighbours answer the peer. Needs a peer that is alive by the other path.
 */
export function isMute(state: State, side: PathName, nowMs: number): boolean {
  const { carrier, carrierSinceMs, askable, lastNeighbourAtMs = -Infinity } = state.sides[side];
  const { peer, settings, awakeSinceMs } = state;
  if (!carrier || !askable || peer === undefined) return false;
  const sinceMs = Math.max(carrierSinceMs, lastNeighbourAtMs, awakeSinceMs, peer.sinceMs);
  const windowMs = evidenceWindowMs(settings);
  const agoMs = nowMs - peer.heardAtMs;
  const { heardAgeMs, sides } = peer.says;
  const isDeafThere = (heardAgeMs[side] ?? Infinity) >= windowMs;
  const seesThere = sides[side].carrier && (sides[side].neighbourAgeMs ?? Infinity) + agoMs < windowMs;
  return nowMs - sinceMs >= windowMs && isDeafThere && seesThere;
}

/** Nothing speaks against this side. */
export function isFine(state: State, side: PathName, nowMs: number): boolean {
  return state.sides[side].carrier && !isBlind(state, side, nowMs);
}

/** When the side turns blind if nothing more is seen. */
export function blindAtMs(state: State, side: PathName): number {
  const { carrierSinceMs } = state.sides[side];
  // Rule 7 for evidence: what came while this process slept was not seen, or not asked for.
  const sinceMs = Math.max(carrierSinceMs, lastSeenAtMs(state.sides[side]), state.awakeSinceMs);
  return sinceMs + evidenceWindowMs(state.settings);
}

/** The peer, once heard here, is the only neighbour, and for a whole window neither it nor any other frame was seen. */
function isDeserted(state: State, name: PathName, nowMs: number): boolean {
  const { carrier, carrierSinceMs, askable, lastFrameAtMs = -Infinity } = state.sides[name];
  const heardAtMs = state.session.paths[name].acceptedAtMs;
  if (!carrier || askable || heardAtMs === undefined) return false;
  const sinceMs = Math.max(heardAtMs, lastFrameAtMs, carrierSinceMs, state.awakeSinceMs);
  return nowMs >= sinceMs + evidenceWindowMs(state.settings);
}

/**
 * I see nobody on any side: I am the broken one. Where the peer is the only neighbour its silence counts too, but never by
 * itself: a peer that died leaves every such side deserted.
 */
export function isAlone(state: State, nowMs: number): boolean {
  const fine = PATHS.filter((side) => isFine(state, side, nowMs));
  return fine.length < PATHS.length && fine.every((side) => isDeserted(state, side, nowMs));
}

/**
 * On a side that is not blind somebody was seen since `sinceMs`, or there is a side where nobody could be asked (then
 * the carrier must do).
 */
export function seesSomebodySince(state: State, sinceMs: number, nowMs: number): boolean {
  if (isAlone(state, nowMs)) return false;
  return PATHS.some((name) => {
    const side = state.sides[name];
    return isFine(state, name, nowMs) && (!side.askable || lastSeenAtMs(side) > sinceMs);
  });
}

/** The sides that carry VIPs. */
export function vipSides(settings: FailoverSettings): readonly PathName[] {
  return PATHS.filter((side) => settings.vips.some((sided) => sided.side === side));
}

export function sideReport(side: Side, nowMs: number): SideReport {
  return {
    carrier: side.carrier,
    ...(side.lastFrameAtMs === undefined ? {} : { frameAgeMs: nowMs - side.lastFrameAtMs }),
    ...(side.lastNeighbourAtMs === undefined ? {} : { neighbourAgeMs: nowMs - side.lastNeighbourAtMs }),
  };
}

/** The peer sees somebody on this side, by its last words. */
export function peerSees(state: State, side: PathName, nowMs: number): boolean {
  const { peer } = state;
  if (peer === undefined) return false;
  const { carrier, frameAgeMs, neighbourAgeMs } = peer.says.sides[side];
  const ageMs = Math.min(frameAgeMs ?? Infinity, neighbourAgeMs ?? Infinity) + nowMs - peer.heardAtMs;
  return carrier && ageMs < evidenceWindowMs(state.settings);
}

/** When each side turns deserted if nothing more is seen. */
export function desertedAtMs(state: State, name: PathName): number {
  const { lastFrameAtMs = -Infinity } = state.sides[name];
  const { acceptedAtMs = -Infinity } = state.session.paths[name];
  return Math.max(acceptedAtMs, lastFrameAtMs) + evidenceWindowMs(state.settings);
}

/** The peer has a carrier on this side, by its last words. */
export function peerHasCarrier(state: State, side: PathName): boolean {
  return state.peer?.says.sides[side].carrier ?? false;
}

/** Who was asked there hears nothing any more. */
function forgetConfirmations(turn: Turn, side: PathName): void {
  const { settings, confirmations } = turn.state;
  const cut = settings.vips.filter((sided) => sidesOf(turn.state, sided).includes(side));
  const names = new Set(cut.map(({ vip }) => vip.interface));
  turn.set({ confirmations: new Map([...confirmations].filter(([name]) => !names.has(name))) });
}

export function onCarrier(turn: Turn, name: PathName, up: boolean): void {
  const before = turn.state.sides[name];
  if (before.carrier === up) return;
  const first = up && PATHS.every((side) => !turn.state.sides[side].carrier);
  const side: Side = { ...before, carrier: up, carrierSinceMs: turn.now };
  turn.set({ sides: { ...turn.state.sides, [name]: side } });
  // Rule 12: what was not heard without a cable is no silence.
  if (first) turn.set({ listeningSinceMs: turn.now });
  if (!up) forgetConfirmations(turn, name);
  if (up) turn.cause("carrier", `carrier on the ${name} side`);
  else turn.notice("warn", "no-carrier", `carrier lost on the ${name} side`);
  turn.tell = true;
}
