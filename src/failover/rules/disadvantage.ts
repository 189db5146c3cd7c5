/** An active that is the worse place hands over: at once where the kernel told it, else when it has lasted (rule 16). */
import { compare } from "../evidence/comparison.ts";
import { isPeerAlive } from "../evidence/peer.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Disadvantage } from "../machine/state-parts.ts";
import type { Turn } from "../machine/turn.ts";
import { startMove } from "./planned-move.ts";

/** The log line before the move, and the link of its chain that says why; what follows is the disadvantage. */
export const WORSE_PLACE = "the peer is the better place for the VIPs";

/** A silent side was judged by the window of its evidence already, and a gate by its own falls. */
function patienceMs({ timing, settings }: State, { certain, reason }: Disadvantage): number {
  if (certain) return timing.carrierSettleMs;
  return reason === "side-blind" ? 0 : settings.deadAfterMs;
}

/** Follows which router is the better place. */
export function judgeDisadvantage(turn: Turn): void {
  const { phase, worse } = turn.state;
  const comparison =
    phase.kind === "active" && isPeerAlive(turn.state, turn.now) ? compare(turn.state, turn.now) : undefined;
  if (comparison?.better !== "there") {
    turn.clear("worse");
    return;
  }
  const { why } = comparison;
  const isSame = worse !== undefined && worse.why.certain === why.certain;
  if (isSame && worse.why.text === why.text) return;
  turn.set({ worse: { sinceMs: isSame ? worse.sinceMs : turn.now, why } });
}

/** When the VIPs are handed over if nothing changes. */
export function disadvantageAtMs(state: State): number | undefined {
  const { worse, damping } = state;
  if (worse === undefined) return undefined;
  const settledAtMs = worse.sinceMs + patienceMs(state, worse.why);
  if (worse.why.certain || damping === undefined) return settledAtMs;
  return Math.max(settledAtMs, damping.movedAtMs + damping.pauseMs);
}

/** Begins the move when it is time. @returns whether it did. */
export function moveForDisadvantage(turn: Turn): boolean {
  const { worse } = turn.state;
  const atMs = disadvantageAtMs(turn.state);
  if (worse === undefined || atMs === undefined || turn.now < atMs) return false;
  turn.notice("warn", "worse-place", `${WORSE_PLACE}: ${worse.why.text}`);
  startMove(turn, worse.why.reason);
  return true;
}

export function addDisadvantageDeadline(soonest: Soonest, state: State): void {
  soonest.add(disadvantageAtMs(state));
}
