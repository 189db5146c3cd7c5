/** What the peer's kernel is asked in one round (rules 4 and 18): some VIPs of each interface, and its own addresses. */
import { PATHS, type PathName } from "../../model/pair.ts";
import type { Vip } from "../../model/vip.ts";
import type { OwnerQuestion, PeerQuestion } from "../machine/effect.ts";
import { interfaceOf } from "../machine/interfaces.ts";
import { vipKey, wantedVips } from "../machine/lease.ts";
import type { State } from "../machine/state.ts";

/** Questions of one round per interface; rounds go around all VIPs. */
const QUESTIONS_PER_INTERFACE = 2;

/** Some VIPs of each interface, others with each attempt. */
function vipsToAsk(state: State, attempt: number): readonly Vip[] {
  const byInterface = Map.groupBy(wantedVips(state), (vip) => vip.interface);
  return [...byInterface.values()].flatMap((vips) => {
    const count = Math.min(QUESTIONS_PER_INTERFACE, vips.length);
    return Array.from({ length: count }, (_, index) => vips[(attempt * count + index) % vips.length]).filter(
      (vip) => vip !== undefined,
    );
  });
}

export function questionFor(state: State, vip: Vip): OwnerQuestion {
  const mac = state.peerMacs.get(vip.interface);
  return mac === undefined ? { vip } : { vip, mac };
}

/** VIPs first: where both answers wait, that of the VIP is read first. */
export function roundOf(
  state: State,
  attempt: number,
): { readonly questions: readonly OwnerQuestion[]; readonly peer: readonly PeerQuestion[] } {
  const questions = vipsToAsk(state, attempt).map((vip) => questionFor(state, vip));
  const peer = PATHS.map((side): PeerQuestion => {
    const name = interfaceOf(state, side);
    const mac = name === undefined ? undefined : state.peerMacs.get(name);
    return mac === undefined ? { side } : { side, mac };
  });
  return { questions, peer };
}

/** The answers for this VIP mean something: they did not contradict what the peer said while it was heard. */
export function isProvable({ calibration }: State, vip: Vip): boolean {
  return !calibration.unprovable.has(vipKey(vip));
}

/**
 * The peer's own address of some side answered, and on that interface there is a VIP whose silence means something: with
 * the VIPs silent, its kernel does not have them.
 */
export function isAbsenceShown(state: State, ownAnswered: readonly PathName[]): boolean {
  const names = ownAnswered.map((side) => interfaceOf(state, side));
  return wantedVips(state).some((vip) => names.includes(vip.interface) && isProvable(state, vip));
}
