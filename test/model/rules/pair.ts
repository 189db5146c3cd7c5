/** A tick of the pair: time passes, frames pass, and both routers act, in one of three orders. */
import { act, type Rules } from "./rules.ts";
import { areConnected, isAwake, sightOf } from "./sight.ts";
import {
  blankState,
  copyInto,
  forgetAsking,
  NEVER,
  NO_DAEMON,
  OLD,
  ON,
  otherPlace,
  PLACES,
  type Router,
  RUNS,
  SAID_NOTHING,
  type State,
} from "./state.ts";
import { BLIND, DEAD, EVERY_LEASE } from "./times.ts";

/** Who acts first in a tick; `together`: neither knows yet what the other one does. */
export const ORDERS = ["primary first", "backup first", "together"] as const;
export type Order = (typeof ORDERS)[number];

/** Counters go up to these: beyond, the promise is broken. */
export interface Limits {
  readonly two: number;
  readonly none: number;
}

/** A tick passes for one router by itself. */
function age(router: Router, isIsolated: boolean): void {
  if (router.machine !== ON) return;
  const isRenewing = router.daemon === RUNS && router.isActive === 1;
  if (router.vips > 0 && !isRenewing) router.vips -= 1;
  if (router.daemon === NO_DAEMON) return;
  router.heard = Math.min(router.heard + 1, OLD);
  router.received = Math.min(router.received + 1, DEAD + 1);
  router.framed = Math.min(router.framed + 1, EVERY_LEASE);
  router.grace = Math.max(0, router.grace - 1);
  router.lonely = isIsolated ? Math.min(router.lonely + 1, BLIND) : 0;
}

/** Frames and heartbeats arrive at daemons that run; two processes that both hear each other get to know each other. */
function deliver(state: State): void {
  const { routers, readable } = state;
  if (areConnected(state) && PLACES.every((place) => readable[place] === 1 && isAwake(routers[place]))) {
    for (const place of PLACES) routers[place].met = 1;
  }
  for (const place of PLACES) {
    if (!isAwake(routers[place])) continue;
    const { frame, heartbeat } = sightOf(state, place);
    if (frame) routers[place].framed = 0;
    if (heartbeat) routers[place].received = 0;
  }
}

/** What does not matter for what follows is the same in all states. */
function simplify({ routers }: State): void {
  const haveMet = routers.every(({ daemon, met }) => daemon !== NO_DAEMON && met === 1);
  for (const router of routers) {
    if (router.daemon === NO_DAEMON) {
      Object.assign(router, { isActive: 0, heard: 0, framed: 0, said: SAID_NOTHING, yields: 0, proven: 0 });
      Object.assign(router, { tookSilently: 0, second: 0, tie: 0, grace: 0, lonely: 0 });
    }
    if (router.daemon === NO_DAEMON || router.isActive === 1) forgetAsking(router);
    if (!haveMet) Object.assign(router, { met: 0, received: DEAD + 1 });
    // Known to be gone is known until a VIP answers, whatever it was known by.
    if (router.gone !== NEVER) Object.assign(router, { answeredLate: 0, absent: 0, renewedBySomebody: 0 });
    if (router.renewedBySomebody === 0) router.vipAnswered = NEVER;
  }
}

function isOwner({ machine, vips }: Router): boolean {
  return machine === ON && vips > 0;
}

function count(state: State, { two, none }: Limits): void {
  const { routers, isolated } = state;
  const areTwo = routers.every(isOwner) && routers.every(isAwake) && areConnected(state);
  const couldServe = PLACES.some((place) => isAwake(routers[place]) && isolated[place] === 0);
  state.two = areTwo ? Math.min(state.two + 1, two + 1) : 0;
  state.none = couldServe && !routers.some(isOwner) ? Math.min(state.none + 1, none + 1) : 0;
}

/** What a peer can see of a router: whether it acted visibly. */
function seenOf({ isActive, vips, term, tenure }: Router): number {
  return ((isActive * 2 + (vips > 0 ? 1 : 0)) * 16 + term) * 16 + tenure;
}

/** Scratch states of the ticks: nothing of a tick is left in them. */
const VIEW = blankState();

/**
 * Turns `state` into what it is half a second later.
 * @returns whether some router did what the other one can see: otherwise the order is all the same.
 */
export function tick(state: State, order: Order, rules: Rules, limits: Limits): boolean {
  for (const place of PLACES) age(state.routers[place], state.isolated[place] === 1);
  deliver(state);
  const before = PLACES.map((place) => seenOf(state.routers[place]));
  if (order === "together") copyInto(VIEW, state);
  const view = order === "together" ? VIEW : state;
  const first = order === "backup first" ? 1 : 0;
  for (const place of [first, otherPlace(first)] as const) {
    if (isAwake(state.routers[place])) act(state, view, place, rules);
  }
  const isSeen = PLACES.some((place) => seenOf(state.routers[place]) !== before[place]);
  simplify(state);
  count(state, limits);
  return isSeen;
}
