/** The first moments of a daemon: adopting the VIPs of the process before it, or not (rule 12). */
import type { Vip } from "../../model/vip.ts";
import { isPeerAlive } from "../evidence/peer.ts";
import { remove, setAddresses, vipKey, wantedVips } from "../machine/lease.ts";
import { ADOPT_WAIT_MS } from "../machine/settings.ts";
import type { Phase, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { judgeForeign } from "./foreign-addresses.ts";
import { startAdopting } from "./role.ts";

/** Before the first input: what is in the kernel is not known. */
export const NOT_STARTED = { kind: "starting", adoptable: [], untilMs: Infinity } as const satisfies Phase;

/** Whether the machine was told what is in the kernel. */
export function isStarted({ phase }: State): boolean {
  return phase.kind !== "starting" || phase.untilMs !== NOT_STARTED.untilMs;
}

export function onStart(turn: Turn, found: readonly Vip[]): void {
  // Once: who serves already knows what is in the kernel.
  if (isStarted(turn.state) && turn.state.stopping === undefined) return;
  const wanted = new Set(wantedVips(turn.state).map(vipKey));
  const adoptable = found.filter((vip) => wanted.has(vipKey(vip)));
  const { possible } = turn.state.addresses;
  setAddresses(turn, { possible: new Map([...possible, ...found.map((vip) => [vipKey(vip), vip] as const)]) });
  const foreign = found.filter((vip) => !wanted.has(vipKey(vip)));
  if (turn.state.stopping !== undefined) {
    remove(turn, found);
    return;
  }
  if (foreign.length > 0) remove(turn, foreign);
  turn.tell = true;
  if (adoptable.length === 0) beStandby(turn);
  else turn.set({ phase: { kind: "starting", adoptable, untilMs: turn.now + ADOPT_WAIT_MS } });
}

function beStandby(turn: Turn): void {
  turn.emit({ kind: "set-balancing", role: "standby" });
  turn.set({ phase: { kind: "standby", sinceMs: turn.now } });
  judgeForeign(turn);
}

/** Adopts what was found unless the peer says meanwhile that it is active. */
export function judgeStarting(turn: Turn): void {
  const { phase, peer } = turn.state;
  // What is in the kernel comes first: a peer that is active might hand over before it is known.
  if (phase.kind !== "starting" || !isStarted(turn.state)) return;
  if (isPeerAlive(turn.state, turn.now) && peer?.says.role === "active") {
    turn.cause("not-adopted", "the peer is active: the VIPs of the earlier process are removed");
    remove(turn, phase.adoptable);
    beStandby(turn);
  } else if (turn.now >= phase.untilMs) startAdopting(turn, phase.adoptable);
}
