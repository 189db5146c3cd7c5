/** SIGTERM: a planned move with a live peer; without one the VIPs are released or left (rule 12). */

import { hasSuccessor } from "../evidence/peer.ts";
import { confirmedVips, isHolding, lease, remove } from "../machine/lease.ts";
import { KEEP_LEASE_MS } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State, Stopping } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { endMove, startMove } from "./planned-move.ts";
import { abortTaking, becomeStandby } from "./role.ts";

/** "I am leaving" is said this often, this far apart: it saves the peer the wait, if it is heard. */
const FAREWELLS = 3;
const FAREWELL_GAP_MS = 10;
/** A kernel that does not confirm a removal is not waited for longer; the lease ends by itself. */
const REMOVAL_WAIT_MS = 2_000;

export function onStop(turn: Turn): void {
  const { phase, stopping } = turn.state;
  if (phase.kind === "stopped") return;
  turn.tell = true;
  if (stopping !== undefined) {
    // The second signal: no more waiting for the peer.
    if (phase.kind === "active") becomeStandby(turn, "stopped");
    return;
  }
  turn.set({ stopping: { sinceMs: turn.now, kept: false } });
  turn.cause("stop", "asked to stop");
  if (phase.kind === "starting") {
    // What the process before left is not adopted any more.
    remove(turn, phase.adoptable);
    turn.set({ phase: { kind: "standby", sinceMs: turn.now } });
  } else if (phase.kind === "taking") abortTaking(turn, "asked to stop");
  else if (phase.kind === "active") {
    endMove(turn, false, "this router was asked to stop");
    if (hasSuccessor(turn.state, turn.now)) startMove(turn, "stopping");
  }
}

/** Leads the stop to its end. */
export function judgeStopping(turn: Turn): void {
  const { stopping, phase } = turn.state;
  if (stopping === undefined || phase.kind === "stopped") return;
  if (phase.kind === "active") {
    endTenure(turn, stopping);
    return;
  }
  if (isHolding(turn.state) && turn.now < removalLimitMs(turn.state, stopping)) return;
  sayFarewell(turn);
}

/** Until when a removal is waited for: a planned move before it may have taken its time. */
function removalLimitMs({ phase }: State, stopping: Stopping): number {
  const sinceMs = phase.kind === "standby" ? Math.max(phase.sinceMs, stopping.sinceMs) : stopping.sinceMs;
  return sinceMs + REMOVAL_WAIT_MS;
}

/** The active without a planned move: there is nobody to hand over to. */
function endTenure(turn: Turn, stopping: Stopping): void {
  const { move, addresses, settings } = turn.state;
  if (move !== undefined || addresses.leases.some((pending) => pending.purpose === "keep")) return;
  if (stopping.kept) exit(turn);
  else if (settings.stop === "keep" && !hasSuccessor(turn.state, turn.now)) {
    turn.set({ stopping: { ...stopping, kept: true } });
    lease(turn, "keep", confirmedVips(turn.state), KEEP_LEASE_MS);
  } else becomeStandby(turn, "stopped");
}

function sayFarewell(turn: Turn): void {
  const { stopping } = turn.state;
  if (stopping === undefined || turn.now < (stopping.farewellAtMs ?? turn.now)) return;
  const left = stopping.farewells ?? FAREWELLS;
  if (left === 0) {
    exit(turn);
    return;
  }
  turn.set({ stopping: { ...stopping, farewells: left - 1, farewellAtMs: turn.now + FAREWELL_GAP_MS } });
  turn.tell = true;
}

function exit(turn: Turn): void {
  turn.set({ phase: { kind: "stopped" } });
  turn.tell = false;
  turn.emit({ kind: "exit" });
}

export function addStopDeadlines(soonest: Soonest, state: State): void {
  const { stopping } = state;
  if (stopping === undefined) return;
  soonest.add(removalLimitMs(state, stopping));
  soonest.add(stopping.farewellAtMs);
}
