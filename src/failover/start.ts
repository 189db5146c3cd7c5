/** The first moments of a daemon: adopting the VIPs of the process before it, or not (rule 12). */
import type { Vip } from "../model/vip.ts";
import { judgeForeign } from "./foreign.ts";
import { remove, setAddresses, vipKey, wantedVips } from "./lease.ts";
import { isPeerAlive } from "./peer.ts";
import { startAdopting } from "./role.ts";
import { ADOPT_WAIT_MS } from "./settings.ts";
import type { Phase, State } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Before the first input: what is in the kernel is not known. */
export const NOT_STARTED = { kind: "starting", adoptable: [], untilMs: Infinity } as const satisfies Phase;

/** Whether the machine was told what is in the kernel. */
export function isStarted({ phase }: State): boolean {
  return phase.kind !== "starting" || phase.untilMs !== NOT_STARTED.untilMs;
}

export function onStart(turn: Turn, found: readonly Vip[]): void {
  const wanted = new Set(wantedVips(turn.state).map(vipKey));
  const adoptable = found.filter((vip) => wanted.has(vipKey(vip)));
  setAddresses(turn, { possible: new Map(found.map((vip) => [vipKey(vip), vip])) });
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
  if (phase.kind !== "starting") return;
  if (isPeerAlive(turn.state, turn.now) && peer?.says.role === "active") {
    turn.cause("not-adopted", "the peer is active: the VIPs of the earlier process are removed");
    remove(turn, phase.adoptable);
    beStandby(turn);
  } else if (turn.now >= phase.untilMs) startAdopting(turn, phase.adoptable);
}
