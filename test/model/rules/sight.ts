/** What of each router reaches the other one in this tick. */

import { ON, otherPlace, type Place, RUNS, type State } from "./state.ts";
import { DEAD } from "./times.ts";

export interface Sight {
  /** A frame of the peer's daemon. */
  readonly frame: boolean;
  /** A heartbeat that the key opens, of a process that has met this one. */
  readonly heartbeat: boolean;
  /** It also shows that the peer has heard this router within `dead_after`. */
  readonly counts: boolean;
  /** Its kernel answers for its own address, and for the VIPs. */
  readonly own: boolean;
  readonly vip: boolean;
}

function passes(state: State, from: Place): boolean {
  const to = otherPlace(from);
  const areOn = state.routers[from].machine === ON && state.routers[to].machine === ON;
  return areOn && state.frames[from] === 1 && state.isolated[from] === 0 && state.isolated[to] === 0;
}

/** Frames pass both ways between two machines that are on. */
export function areConnected(state: State): boolean {
  return passes(state, 0) && passes(state, 1);
}

export function isAwake({ machine, daemon }: State["routers"][number]): boolean {
  return machine === ON && daemon === RUNS;
}

export function sightOf(state: State, place: Place): Sight {
  const from = otherPlace(place);
  const peer = state.routers[from];
  const frame = passes(state, from) && isAwake(peer);
  const haveMet = state.routers[place].met === 1 && peer.met === 1;
  const heartbeat = frame && state.readable[from] === 1 && haveMet;
  const own = areConnected(state);
  return { frame, heartbeat, counts: heartbeat && peer.received <= DEAD, own, vip: own && peer.vips > 0 };
}
