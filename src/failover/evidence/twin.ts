/** Another machine with this router's own addresses: a clone of it, as a rule, with the same configuration and key. */
import type { MacAddress } from "../../model/mac-address.ts";
import type { PathName } from "../../model/pair.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** It is asked for every ten seconds: after two questions without an answer it is gone. */
const TWIN_MEMORY_MS = 25_000;

/** Whether the other machine was seen lately. */
export function hasTwin({ twin }: State, nowMs: number): boolean {
  return twin !== undefined && nowMs - twin.seenAtMs < TWIN_MEMORY_MS;
}

/**
 * Of two machines with one address the one that serves stays, and the other one takes nothing and, unless its peer knows it
 * already, says nothing: its heartbeats would put it in the other one's place.
 */
export function onTwin(turn: Turn, side: PathName, mac: MacAddress): void {
  const isNew = !hasTwin(turn.state, turn.now) || turn.state.twin?.mac !== mac;
  turn.set({ twin: { side, mac, seenAtMs: turn.now } });
  if (!isNew) return;
  const what = turn.state.phase.kind === "active" ? "this router stays active" : "this router takes nothing";
  turn.notice("error", "twin", `${mac} answers for this router's own ${side} address: two machines have it; ${what}`);
  turn.tell = true;
}

/** A machine that has a twin and was never heard by the peer does not begin to speak. */
export function isMuted(state: State, nowMs: number): boolean {
  return hasTwin(state, nowMs) && state.phase.kind !== "active" && state.peer === undefined;
}

export function addTwinDeadline(soonest: Soonest, { twin }: State): void {
  if (twin !== undefined) soonest.add(twin.seenAtMs + TWIN_MEMORY_MS);
}
