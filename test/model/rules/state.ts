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

/** What the peer last said of itself in a heartbeat that counted. */
export const SAID_NOTHING = 0;
export const SAID_STANDBY = 1;
export const SAID_ACTIVE = 2;

/** Ticks beyond which an age means nothing any more: an active remembers for 10 s that its peer was there. */
export const LONG_AGO = 21;

/** One router. Every field is a small number, so that a state has a short key; ages are in ticks. */
export interface Router {
  machine: number;
  daemon: number;
  isActive: number;
  /** For how long the kernel still has the VIPs if nobody renews them; 0: it has none. */
  vips: number;
  /** The highest term known, and that of its last tenure; both on disk. */
  term: number;
  tenure: number;
  /** Since a heartbeat of the peer counted, or since it listens. */
  heard: number;
  /** Since anything of the peer's present process came that a key could open, stale or not. */
  received: number;
  /** Since a frame of the peer's daemon was seen on the wire. */
  framed: number;
  /** The two processes know each other's nonces. */
  met: number;
  said: number;
  /** Its kernel answered for something after it had been silent for `dead_after`. */
  answeredLate: number;
  /** Since its kernel answered for a VIP: LONG_AGO means never in this time of asking. */
  vipAnswered: number;
  /** It did so even after every lease that its daemon could have renewed. */
  renewedBySomebody: number;
  /** Its kernel answered and did not have the VIPs, and no VIP was answered for since. */
  absent: number;
  /** Since the VIPs are gone: LONG_AGO means that they are not, or not known to be. */
  gone: number;
  /** It stepped down for the peer, which goes first. */
  yields: number;
  /** Active: it is proven that the peer had no VIP in this tenure. */
  proven: number;
  /** Active: for how long the peer's kernel has been seen to have VIPs too. */
  second: number;
  /** Standby, as the peer is, and they hear each other: for how long. */
  tie: number;
  /** Until when nothing is concluded from silence, after a sleep. */
  grace: number;
  /** For how long it has seen nobody at all. */
  lonely: number;
}

export interface State {
  routers: [Router, Router];
  /** From each place to the other one: heartbeats that would pass are accepted, and frames pass. */
  readable: [number, number];
  frames: [number, number];
  /** No frame passes at this router's ports. */
  isolated: [number, number];
  /** For how long two live owners could reach each other, and for how long nobody was one, up to a limit. */
  two: number;
  none: number;
}

const FRESH: Router = {
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
  vipAnswered: LONG_AGO,
  renewedBySomebody: 0,
  absent: 0,
  gone: LONG_AGO,
  yields: 0,
  proven: 0,
  second: 0,
  tie: 0,
  grace: 0,
  lonely: 0,
};

const FIELDS = Object.keys(FRESH) as readonly (keyof Router)[];

/** A daemon that has just begun; its machine's disk is kept. */
export function beginDaemon(router: Router): void {
  const { term, tenure, vips } = router;
  Object.assign(router, FRESH, { term, tenure, vips, met: 0, received: LONG_AGO, framed: LONG_AGO });
}

/** What asking has brought is forgotten. */
export function forgetAsking(router: Router): void {
  router.answeredLate = 0;
  router.vipAnswered = LONG_AGO;
  router.renewedBySomebody = 0;
  router.absent = 0;
  router.gone = LONG_AGO;
}

export function copyOf(state: State): State {
  const { routers, readable, frames, isolated, two, none } = state;
  return {
    routers: [{ ...routers[0] }, { ...routers[1] }],
    readable: [...readable],
    frames: [...frames],
    isolated: [...isolated],
    two,
    none,
  };
}

const FIRST_LETTER = 48;

/** The same for states that are the same; terms count as they lie to each other. */
export function keyOf({ routers, readable, frames, isolated, two, none }: State): string {
  const [a, b] = routers;
  const lowest = Math.min(a.term, a.tenure, b.term, b.tenure);
  const codes: number[] = [two, none];
  for (const router of routers) {
    for (const field of FIELDS) {
      codes.push(field === "term" || field === "tenure" ? router[field] - lowest : router[field]);
    }
  }
  const wires = [...readable, ...frames, ...isolated].reduce((sum, bit) => 2 * sum + bit, 0);
  return String.fromCharCode(...codes.map((code) => code + FIRST_LETTER), wires + FIRST_LETTER);
}

/** Both routers at rest and in touch, one of them active. */
export function pairAtRest(active: Place, lease: number): State {
  const term = 1;
  const router = (place: Place): Router => ({
    ...FRESH,
    term,
    isActive: place === active ? 1 : 0,
    tenure: place === active ? term : 0,
    vips: place === active ? lease : 0,
    said: place === active ? SAID_STANDBY : SAID_ACTIVE,
    proven: place === active ? 1 : 0,
  });
  return {
    routers: [router(PRIMARY), router(BACKUP)],
    readable: [1, 1],
    frames: [1, 1],
    isolated: [0, 0],
    two: 0,
    none: 0,
  };
}
