/** What a router does in one tick: the rules about a silent peer and a second owner, as `src/failover` has them. */
import { type Sight, sightOf } from "./sight.ts";
import {
  BACKUP,
  forgetAsking,
  NEVER,
  otherPlace,
  type Place,
  PRIMARY,
  type Router,
  SAID_ACTIVE,
  SAID_CLAIM,
  SAID_NOTHING,
  SAID_STANDBY,
  type State,
} from "./state.ts";
import { ALONE_MEMORY, BLIND, DEAD, EVERY_LEASE, LATE, type Lease, PATIENCE, SEEN, TIE, YIELD } from "./times.ts";
import type { Wording } from "./wording.ts";

export interface Rules {
  readonly wording: Wording;
  readonly lease: Lease;
}

/** One router's turn. `view` is what it can see of the other one: the state as it is, or as it was before the tick. */
export function act(state: State, view: State, place: Place, rules: Rules): void {
  const me = state.routers[place];
  const peer = view.routers[otherPlace(place)];
  const sight = sightOf(view, place);
  hear(me, peer, sight);
  if (me.isActive === 1) actActive(me, peer, { place, sight, rules });
  else actStandby(me, peer, { place, sight, rules });
}

interface Scene {
  readonly place: Place;
  readonly sight: Sight;
  readonly rules: Rules;
}

function isAlive({ said, heard }: Router): boolean {
  return (said === SAID_STANDBY || said === SAID_ACTIVE) && heard < DEAD;
}

/** Takes in what comes: a heartbeat that counts, or one of a peer that is deaf. */
function hear(me: Router, peer: Router, { heartbeat, counts }: Sight): void {
  if (!heartbeat) return;
  me.term = Math.max(me.term, peer.term);
  if (counts) {
    me.heard = 0;
    me.said = peer.isActive === 1 ? SAID_ACTIVE : SAID_STANDBY;
    me.yields = 0;
    forgetAsking(me);
  } else if (peer.isActive === 1 && me.said !== SAID_ACTIVE) {
    if (me.said === SAID_STANDBY) {
      me.heard = 0;
      me.answeredLate = 0;
    }
    me.said = SAID_CLAIM;
  } else if (peer.isActive === 0 && me.said === SAID_CLAIM) me.said = SAID_NOTHING;
}

export function stepDown(me: Router, { wording }: Rules): void {
  me.isActive = 0;
  me.vips = 0;
  if (wording.provesEachTenure) me.proven = 0;
  me.second = 0;
  me.tookSilently = 0;
  me.tie = 0;
  forgetAsking(me);
}

function take(me: Router, { rules }: Scene, isSilent: boolean): void {
  me.isActive = 1;
  me.term += 1;
  me.tenure = me.term;
  me.vips = rules.lease.kernel;
  if (rules.wording.provesEachTenure) me.proven = 0;
  me.yields = 0;
  // Only where a rule asks for it: states that differ in it alone would be two.
  me.tookSilently = isSilent && rules.wording.givesWay.startsWith("if") ? 1 : 0;
  me.second = 0;
  me.tie = 0;
  forgetAsking(me);
}

// --- active -----------------------------------------------------------------------------------------------------

function prevails(peer: Router, me: Router, place: Place): boolean {
  return peer.tenure > me.tenure || (peer.tenure === me.tenure && place === BACKUP);
}

function actActive(me: Router, peer: Router, scene: Scene): void {
  const { sight, rules } = scene;
  if (sight.heartbeat && peer.isActive === 1 && prevails(peer, me, scene.place)) {
    stepDown(me, rules);
    return;
  }
  if (sight.counts && peer.isActive === 0) hearStandby(me, peer);
  if (me.lonely >= BLIND && !isAlive(me) && me.heard <= ALONE_MEMORY) {
    stepDown(me, rules);
    me.yields = rules.wording.yields ? 1 : 0;
    return;
  }
  watch(me, scene);
  if (me.isActive === 1) me.vips = rules.lease.kernel;
}

function hearStandby(me: Router, peer: Router): void {
  if (peer.vips === 0) me.proven = 1;
  if (peer.tenure < me.tenure) return;
  me.term = Math.max(me.term, peer.tenure) + 1;
  me.tenure = me.term;
}

/** An active that does not hear its peer looks for a second owner. */
function watch(me: Router, scene: Scene): void {
  const { own, vip, frame } = scene.sight;
  const isSilent = !isAlive(me) && me.heard >= DEAD && me.grace === 0;
  // It is heard to be active, and goes on: it is deaf.
  const isDeafRival = isAlive(me) && me.said === SAID_ACTIVE && scene.rules.wording.watchesHeardRival;
  const isWatching = isSilent || isDeafRival;
  if (!isWatching || !vip) {
    me.second = 0;
    if (isWatching && own) me.proven = 1;
    return;
  }
  me.second = Math.min(me.second + 1, PATIENCE);
  // Answers of three rounds over 300 ms: what ends within an interval, by a heartbeat, is never seen so long.
  if (me.second < SEEN) return;
  if (!givesWay(me, scene.place, frame, scene.rules.wording)) return;
  stepDown(me, scene.rules);
  me.yields = scene.place === BACKUP && scene.rules.wording.yields ? 1 : 0;
}

function givesWay(me: Router, place: Place, isPeerSpeaking: boolean, wording: Wording): boolean {
  switch (wording.givesWay) {
    case "never":
      return false;
    case "if it took by silence":
      return me.tookSilently === 1;
    case "if it is the backup and took by silence":
      return me.tookSilently === 1 && place === BACKUP;
    case "without proof":
      if (me.proven === 0) return true;
      return wording.hasPatience && place === BACKUP && me.second >= PATIENCE && isPeerSpeaking;
  }
}

// --- standby ----------------------------------------------------------------------------------------------------

function actStandby(me: Router, peer: Router, scene: Scene): void {
  me.vips = 0;
  if (isAlive(me)) actBothAlive(me, peer, scene);
  else {
    me.tie = 0;
    actOnSilence(me, peer, scene);
  }
}

/** Both are standby and hear each other: who was active last takes, else the primary; the other one after a second. */
function actBothAlive(me: Router, peer: Router, scene: Scene): void {
  if (me.said !== SAID_STANDBY) {
    me.tie = 0;
    return;
  }
  const isFirst = me.tenure === peer.tenure ? scene.place === PRIMARY : me.tenure > peer.tenure;
  if (isFirst || me.tie >= TIE) take(me, scene, false);
  else me.tie += 1;
}

function actOnSilence(me: Router, peer: Router, scene: Scene): void {
  const { sight, rules, place } = scene;
  if (me.heard >= LATE) ask(me, sight, rules.wording);
  const isOwnerKnown = me.said === SAID_ACTIVE || me.said === SAID_CLAIM;
  const waits = me.yields === 1 || (rules.wording.backupWaits && place === BACKUP && !isOwnerKnown);
  const patience = waits ? YIELD : 0;
  const isClaimed = sight.heartbeat && peer.isActive === 1 && peer.tenure >= me.tenure;
  const isSilent = me.heard >= DEAD && me.grace === 0;
  if (me.gone !== NEVER && me.gone >= patience && isSilent && !isClaimed) take(me, scene, true);
}

/** The peer's kernel is asked, and what it answers or does not answer is judged. */
function ask(me: Router, { own, vip }: Sight, wording: Wording): void {
  if (me.gone !== NEVER) me.gone = Math.min(me.gone + 1, YIELD);
  if (me.framed === 0) me.renewedBySomebody = 0;
  if (own && me.heard >= DEAD) me.answeredLate = 1;
  if (vip) {
    me.vipAnswered = 0;
    me.absent = 0;
    me.gone = NEVER;
    if (Math.min(me.heard, me.framed) >= EVERY_LEASE) me.renewedBySomebody = 1;
    return;
  }
  if (me.vipAnswered !== NEVER) me.vipAnswered = Math.min(me.vipAnswered + 1, EVERY_LEASE);
  if (own) me.absent = 1;
  // Who sees nobody is the broken one: that nobody answers says nothing.
  if (me.lonely > 0 || me.gone !== NEVER) return;
  const hasEnded = (me.renewedBySomebody === 1 ? me.vipAnswered : Math.min(me.heard, me.framed)) >= EVERY_LEASE;
  if (me.absent === 1 || me.answeredLate === 0 || hasEnded || !wording.waitsForLeases) me.gone = 0;
}
