/** Planned moves that an active begins by itself (rules 11, 13 and 16), and stepping down when alone (rule 6). */
import { PATHS } from "../../model/pair.ts";
import { thirdDeadlines } from "../evidence/fitness.ts";
import { isPeerAlive } from "../evidence/peer.ts";
import { wantsMoveForViews } from "../evidence/service-views.ts";
import { blindAtMs, desertedAtMs, isAlone } from "../evidence/side-evidence.ts";
import { setAddresses } from "../machine/lease.ts";
import { ALONE_MEMORY_MS } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { addDisadvantageDeadline, judgeDisadvantage, moveForDisadvantage } from "./disadvantage.ts";
import { failbackAtMs, judgeFailback } from "./failback.ts";
import { startMove } from "./planned-move.ts";
import { becomeStandby } from "./role.ts";

/** Begins a planned move when there is a reason for one and none is under way. */
export function judgeAutomaticMoves(turn: Turn): void {
  if (turn.state.phase.kind !== "active" || turn.state.stopping !== undefined) return;
  const stable = judgeFailback(turn);
  judgeDisadvantage(turn);
  const { move, retryMoveAtMs, addresses } = turn.state;
  const waiting = retryMoveAtMs !== undefined && turn.now < retryMoveAtMs;
  if (move !== undefined || waiting || !isPeerAlive(turn.state, turn.now)) return;
  if (moveForDisadvantage(turn)) return;
  if (addresses.guardMove === "due") {
    setAddresses(turn, { guardMove: "tried" });
    startMove(turn, "address-removed");
  } else if (wantsMoveForViews(turn.state, turn.now)) {
    turn.set({ viewsMovedAtMs: turn.now });
    startMove(turn, "views");
  } else if (stable) startMove(turn, "failback");
}

/** Rule 6: the broken one is me. */
export function judgeAlone(turn: Turn): void {
  const { phase, sides, aloneWarned } = turn.state;
  const alone = isAlone(turn.state, turn.now);
  if (phase.kind !== "active" || !alone) {
    if (aloneWarned && !alone) turn.set({ aloneWarned: false });
    return;
  }
  const noCarrier = PATHS.every((side) => !sides[side].carrier);
  if (!noCarrier && isPeerAlive(turn.state, turn.now)) return;
  const recently = turn.now - lastSignAtMs(turn.state) <= ALONE_MEMORY_MS;
  if (noCarrier || recently) {
    const what = noCarrier ? "no carrier on any side" : "neither the peer nor a neighbour nor any frame";
    turn.notice("error", "alone", `this router sees nobody (${what}): it gives the VIPs up`);
    // Who saw nobody goes last: the peer may be taking the VIPs at this moment.
    turn.set({ yielding: true });
    becomeStandby(turn, "alone");
  } else if (!aloneWarned) {
    turn.set({ aloneWarned: true });
    turn.notice("error", "alone", "this router sees nobody; the peer has been gone for long, so it keeps the VIPs");
  }
}

/** The last heartbeat of the peer that counted, or that would have but for its not hearing this router. */
function lastSignAtMs({ session, deafClaim }: State): number {
  const accepted = PATHS.map((path) => session.paths[path].acceptedAtMs ?? -Infinity);
  return Math.max(...accepted, deafClaim?.atMs ?? -Infinity);
}

export function addAutomaticDeadlines(soonest: Soonest, state: State): void {
  if (state.phase.kind !== "active") return;
  for (const side of PATHS) {
    soonest.add(blindAtMs(state, side));
    soonest.add(desertedAtMs(state, side));
  }
  for (const atMs of thirdDeadlines(state)) soonest.add(atMs);
  addDisadvantageDeadline(soonest, state);
  soonest.add(failbackAtMs(state));
}
