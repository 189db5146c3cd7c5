/**
 * Two routers as the rules see them, in ticks of half a second: what each machine has, what its daemon knows of the other one,
 * and what passes between them. Everything that takes less than a tick happens within one.
 */

/** Primary and backup, by their places in `State.routers`. */
export type Place = 0 | 1;
export const PLACES: readonly Place[] = [0, 1];
export const PRIMARY: Place = 0;
export const BACKUP: Place = 1;

export function otherPlace(place: Place): Place {
  return place === PRIMARY ? BACKUP : PRIMARY;
}

export const NO_DAEMON = 0;
export const RUNS = 1;
export const HANGS = 2;

export const OFF = 0;
export const ON = 1;
/** By its hypervisor: its clock stands as well. */
export const PAUSED = 2;

/** What the peer last said of itself. */
export const SAID_NOTHING = 0;
export const SAID_STANDBY = 1;
export const SAID_ACTIVE = 2;
/** That it is active, while it could not hear this router: such a heartbeat does not count. */
export const SAID_CLAIM = 3;

/** Ages that grow stop here: what is older means the same. */
export const OLD = 10;
/** An age of what has not been. */
export const NEVER = 15;

/** One router: small numbers, each with the bits that it needs. Ages are in ticks. */
const ROUTER_BITS = {
  machine: 2,
  daemon: 2,
  isActive: 1,
  /** For how long the kernel still has the VIPs if nobody renews them; 0: it has none. */
  vips: 4,
  /** The highest term known, and that of its last tenure; both on disk. */
  term: 4,
  tenure: 4,
  /** Since a heartbeat of the peer counted, or since it listens. */
  heard: 4,
  /** Since anything of the peer's present process came that the key opened, stale or not. */
  received: 2,
  /** Since a frame of the peer's daemon was seen on the wire. */
  framed: 4,
  /** The two processes know each other's nonces. */
  met: 1,
  said: 2,
  /** Its kernel answered for something after it had been silent for `dead_after`. */
  answeredLate: 1,
  /** Since its kernel answered for a VIP, in this time of asking. */
  vipAnswered: 4,
  /** It did so even after every lease that its daemon could have renewed. */
  renewedBySomebody: 1,
  /** Its kernel answered and did not have the VIPs, and no VIP was answered for since. */
  absent: 1,
  /** Since the VIPs are known to be gone. */
  gone: 4,
  /** It stepped down for the peer, which goes first. */
  yields: 1,
  /** Active: it is proven that the peer had no VIP in this tenure. */
  proven: 1,
  /** Active: it took from a peer that it did not hear. */
  tookSilently: 1,
  /** Active: for how long the peer's kernel has been seen to have VIPs too. */
  second: 3,
  /** Standby, as the peer is, and they hear each other: for how long. */
  tie: 2,
  /** Until when nothing is concluded from silence, after a sleep. */
  grace: 2,
  /** For how long it has seen nobody at all. */
  lonely: 2,
} as const;

export type Router = { -readonly [K in keyof typeof ROUTER_BITS]: number };

export interface State {
  readonly routers: readonly [Router, Router];
  /** From each place to the other one: the heartbeats that come are accepted, and frames pass. */
  readonly readable: [number, number];
  readonly frames: [number, number];
  /** No frame passes at this router's ports. */
  readonly isolated: [number, number];
  /** For how long there have been two live owners that could reach each other, and for how long no owner at all. */
  two: number;
  none: number;
}

function freshRouter(): Router {
  return {
    machine: ON,
    daemon: RUNS,
    isActive: 0,
    vips: 0,
    term: 0,
    tenure: 0,
    heard: 0,
    received: 0,
    framed: 0,
    met: 1,
    said: SAID_NOTHING,
    answeredLate: 0,
    vipAnswered: NEVER,
    renewedBySomebody: 0,
    absent: 0,
    gone: NEVER,
    yields: 0,
    proven: 0,
    tookSilently: 0,
    second: 0,
    tie: 0,
    grace: 0,
    lonely: 0,
  };
}

/** A daemon that has just begun; its machine's disk and kernel are as they were. */
export function beginDaemon(router: Router): void {
  const { term, tenure, vips } = router;
  Object.assign(router, freshRouter(), { term, tenure, vips, met: 0, received: 3, framed: OLD });
}

/** What asking has brought is forgotten. */
export function forgetAsking(router: Router): void {
  router.answeredLate = 0;
  router.vipAnswered = NEVER;
  router.renewedBySomebody = 0;
  router.absent = 0;
  router.gone = NEVER;
}

export function blankState(): State {
  const routers = [freshRouter(), freshRouter()] as const;
  return { routers, readable: [1, 1], frames: [1, 1], isolated: [0, 0], two: 0, none: 0 };
}

/** Both routers at rest and in touch, one of them active. */
export function pairAtRest(active: Place, lease: number): State {
  const state = blankState();
  for (const place of PLACES) {
    const isActive = place === active ? 1 : 0;
    Object.assign(state.routers[place], {
      term: 1,
      isActive,
      tenure: isActive,
      vips: isActive * lease,
      proven: isActive,
    });
    state.routers[place].said = isActive === 1 ? SAID_STANDBY : SAID_ACTIVE;
  }
  return state;
}

export function copyInto(to: State, from: State): void {
  for (const place of PLACES) {
    Object.assign(to.routers[place], from.routers[place]);
    to.readable[place] = from.readable[place];
    to.frames[place] = from.frames[place];
    to.isolated[place] = from.isolated[place];
  }
  to.two = from.two;
  to.none = from.none;
}

// --- as words of 32 bits ----------------------------------------------------------------------------------------

const WORD_BITS = 32;

interface Slot {
  readonly name: keyof Router;
  readonly shift: number;
  readonly mask: number;
}

/** The fields of each word of a router, from its lowest bit up. */
const SLOTS: readonly (readonly Slot[])[] = (() => {
  const words: Slot[][] = [[]];
  let shift = 0;
  for (const name of Object.keys(ROUTER_BITS) as (keyof Router)[]) {
    const bits = ROUTER_BITS[name];
    if (shift + bits > WORD_BITS) {
      words.push([]);
      shift = 0;
    }
    words.at(-1)?.push({ name, shift, mask: 2 ** bits - 1 });
    shift += bits;
  }
  return words;
})();
export const WORDS = PLACES.length * SLOTS.length + 1;

/** Of the counters of a state. */
const COUNTER_BITS = 8;

function wordOf(router: Router, slots: readonly Slot[]): number {
  let packed = 0;
  for (const { name, shift, mask } of slots) {
    const value = router[name];
    if (value > mask) throw new RangeError(`${name} is ${value}, more than it has bits for`);
    packed |= value << shift;
  }
  return packed;
}

/** Terms count as they lie to each other: the lowest is 0. */
function lowerTerms([a, b]: State["routers"]): void {
  const lowest = Math.min(a.term, a.tenure, b.term, b.tenure);
  if (lowest === 0) return;
  for (const router of [a, b]) {
    router.term -= lowest;
    router.tenure -= lowest;
  }
}

/** Writes a state to `words` from `at` on: the same words for the same state. */
export function pack(state: State, words: Int32Array, at: number): void {
  const { routers, readable, frames, isolated, two, none } = state;
  lowerTerms(routers);
  let next = at;
  for (const router of routers) {
    for (const slots of SLOTS) {
      words[next] = wordOf(router, slots);
      next += 1;
    }
  }
  let wires = 0;
  for (const bits of [readable, frames, isolated]) wires = 4 * wires + 2 * bits[0] + bits[1];
  words[next] = (wires << (2 * COUNTER_BITS)) | (two << COUNTER_BITS) | none;
}

export function unpack(words: Int32Array, at: number, state: State): void {
  let next = at;
  for (const router of state.routers) {
    for (const slots of SLOTS) {
      const word = words[next] ?? 0;
      for (const { name, shift, mask } of slots) router[name] = (word >>> shift) & mask;
      next += 1;
    }
  }
  const last = words[next] ?? 0;
  let wires = last >>> (2 * COUNTER_BITS);
  for (const bits of [state.isolated, state.frames, state.readable]) {
    bits[1] = wires & 1;
    bits[0] = (wires >>> 1) & 1;
    wires >>>= 2;
  }
  state.two = (last >>> COUNTER_BITS) & (2 ** COUNTER_BITS - 1);
  state.none = last & (2 ** COUNTER_BITS - 1);
}
