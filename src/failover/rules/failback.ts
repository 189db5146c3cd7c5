/** Giving the role back to the primary, damped (rule 13). The backup decides: it is the one that stayed. */
import { isPeerAlive } from "../evidence/peer.ts";
import { seesMore } from "../evidence/service-views.ts";
import { FAILBACK_STABLE_LIMIT_MS } from "../machine/settings.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** Why the role does not go back by itself, however stable the primary is; undefined: it will. */
export function failbackPause(state: State): string | undefined {
  const { settings, phase, hold, peer } = state;
  if (settings.failback === "manual") return "failback is manual";
  if (hold || peer?.says.hold === true) return "fail-back is held";
  if (seesMore(state)) return "this router sees services alive that the primary does not";
  if (phase.kind === "active" && phase.reason === "operator") return "an operator moved the role here";
  return undefined;
}

/** The primary could have its role back now, but for the time it has to be stable. */
export function failbackWanted(state: State, nowMs: number): boolean {
  const { settings, phase, peer } = state;
  if (settings.router !== "backup" || phase.kind !== "active" || failbackPause(state) !== undefined) return false;
  if (peer === undefined || !isPeerAlive(state, nowMs)) return false;
  const { ready, leaving, abstaining, role } = peer.says;
  return ready && !leaving && !abstaining && role === "standby";
}

/** Measures how long the primary has been stable. @returns true when it has been for long enough. */
export function judgeFailback(turn: Turn): boolean {
  const { failback, peer } = turn.state;
  if (!failbackWanted(turn.state, turn.now)) {
    if (failback.readySinceMs !== undefined) forgetStability(turn);
    return false;
  }
  // A restart or a silence of the primary starts its time anew.
  const readySinceMs = Math.max(failback.readySinceMs ?? turn.now, peer?.sinceMs ?? turn.now);
  if (readySinceMs !== failback.readySinceMs) turn.set({ failback: { ...failback, readySinceMs } });
  return turn.now - readySinceMs >= failback.stableMs;
}

/** The primary's time starts anew. */
export function forgetStability(turn: Turn): void {
  const { readySinceMs: _, ...rest } = turn.state.failback;
  turn.set({ failback: rest });
}

/** The primary refused it, or could not take it: the next try waits for longer. */
export function noteFailbackFailed(turn: Turn): void {
  forgetStability(turn);
  const { failback } = turn.state;
  turn.set({ failback: { ...failback, stableMs: Math.min(failback.stableMs * 2, FAILBACK_STABLE_LIMIT_MS) } });
  turn.persist();
}

/** The role was given away: what becomes of the primary's tenure decides about the next time. */
export function noteReturned(turn: Turn): void {
  if (turn.state.settings.router !== "backup") return;
  forgetStability(turn);
  turn.set({ failback: { ...turn.state.failback, returnedAtMs: turn.now } });
}

/** The backup had to take over again: the primary's tenure failed, unless it had lasted. */
export function notePrimaryFailed(turn: Turn): void {
  const { failback, settings } = turn.state;
  const { returnedAtMs, readySinceMs: _, ...rest } = failback;
  if (settings.router !== "backup" || returnedAtMs === undefined) return;
  const lasted = turn.now - returnedAtMs >= FAILBACK_STABLE_LIMIT_MS;
  const stableMs = lasted ? settings.failbackStableMs : Math.min(failback.stableMs * 2, FAILBACK_STABLE_LIMIT_MS);
  turn.set({ failback: { ...rest, stableMs } });
}

/** When the role will go back if nothing changes. */
export function failbackAtMs(state: State): number | undefined {
  const { readySinceMs, stableMs } = state.failback;
  return readySinceMs === undefined ? undefined : readySinceMs + stableMs;
}
