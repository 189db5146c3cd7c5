/** When a standby becomes active by itself (rules 4, 5, 12 and 18). */
import { formatAddressPrefix } from "../../model/address.ts";
import { compare } from "../evidence/comparison.ts";
import {
  doubtAtMs,
  isDoubted,
  isPeerAlive,
  isPeerLapsing,
  isPeerLate,
  isPeerSilent,
  lapsingAtMs,
  silentAtMs,
  silentSinceMs,
} from "../evidence/peer.ts";
import { isAlone } from "../evidence/side-evidence.ts";
import { bootCarrierDeadline, canServe, unreadiness } from "../evidence/takeover-readiness.ts";
import { hasTwin } from "../evidence/twin.ts";
import { STANDBY_TIE_MS } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import {
  areVipsGone,
  askDeadline,
  heardEnoughAtMs,
  isAbsenceProven,
  isOwnerGone,
  judgeAsking,
  mayLiveUntilMs,
} from "./owner-query.ts";
import { isClaimedByDeafPeer, isClaimLast } from "./rivals.ts";
import { startTaking } from "./role.ts";

/** Rules 18 and 19: where nobody is known to be active, or two were, one of them goes first. */
const YIELD_MS = 1_500;

/** Whether this router may act by itself at all. */
function isCandidate(state: State, nowMs: number): boolean {
  const { phase, abstaining, stopping, retryTakeAtMs, settings } = state;
  if (phase.kind !== "standby" || abstaining || stopping !== undefined || settings.vips.length === 0) return false;
  if (hasTwin(state, nowMs)) return false;
  return retryTakeAtMs === undefined || nowMs >= retryTakeAtMs;
}

/** The standby's judgement, at each tick and after each packet of the peer. */
export function judgeStandby(turn: Turn): void {
  if (!isCandidate(turn.state, turn.now)) {
    turn.clear("query", "bothStandbySinceMs");
  } else if (isPeerAlive(turn.state, turn.now)) {
    judgeBothStandby(turn);
    if (turn.state.phase.kind === "standby") judgeLapsingPeer(turn);
    if (turn.state.phase.kind === "standby") judgeLatePeer(turn);
  } else {
    turn.clear("bothStandbySinceMs");
    judgeSilentPeer(turn);
  }
}

/** Asks the peer's kernel as soon as the peer is late, and for as long as it is. */
function judgeLatePeer(turn: Turn): void {
  if (isPeerLate(turn.state, turn.now)) judgeAsking(turn);
}

/**
 * The peer says that it is active, and that its kernel has not renewed its leases for long. When that answers and does not
 * have the VIPs any more they are nobody's; its daemon will find that out when it hears of the higher term.
 */
function judgeLapsingPeer(turn: Turn): void {
  if (!isPeerLapsing(turn.state, turn.now)) return;
  if (!isAbsenceProven(turn.state)) {
    judgeAsking(turn);
    return;
  }
  if (!canServe(turn.state, turn.now)) return;
  turn.cause("lapsed", "the peer is active, but its leases have ended: its kernel answers, and not for the VIPs");
  startTaking(turn, "peer-lapsed");
}

function judgeSilentPeer(turn: Turn): void {
  noteGone(turn);
  // Before asking again: a new question would give the last one no time.
  const gone = isPeerSilent(turn.state, turn.now) && turn.now >= takeFromSilentAtMs(turn.state);
  const claimed = isClaimedByDeafPeer(turn.state, turn.now);
  if (gone && !claimed && canServe(turn.state, turn.now)) takeFromSilent(turn);
  else if (isPeerSilent(turn.state, turn.now) && isAlone(turn.state, turn.now)) noticeAlone(turn);
  if (turn.state.phase.kind === "standby") judgeLatePeer(turn);
}

/** Since when the peer's kernel has not had the VIPs, without a pause. */
function noteGone(turn: Turn): void {
  const { query } = turn.state;
  if (query === undefined || query.goneSinceMs !== undefined || !areVipsGone(turn.state, turn.now)) return;
  turn.set({ query: { ...query, goneSinceMs: turn.now } });
}

/** A router that stepped down for the peer lets it go first, and a backup the primary where that may be standby as well. */
function takeFromSilentAtMs(state: State): number {
  const { query, settings, yielding, peer } = state;
  if (query?.goneSinceMs === undefined) return Infinity;
  const isOwnerKnown = peer?.says.role === "active" || peer?.says.leaving === true || isClaimLast(state);
  const waits = yielding || (settings.router === "backup" && !isOwnerKnown);
  return query.goneSinceMs + (waits ? YIELD_MS : 0);
}

function takeFromSilent(turn: Turn): void {
  const { query } = turn.state;
  const silentMs = Math.round(turn.now - silentSinceMs(turn.state));
  turn.notice("warn", "peer-silent", `the peer has been silent on all paths for ${silentMs} ms`);
  const answers =
    query === undefined || query.answered === 0
      ? `no answer to ${query?.attempt ?? 0} questions for ${vipNames(turn.state)}`
      : `no answer any more, after ${query.answered} of ${query.attempt} questions were answered`;
  turn.cause("owner-gone", `the peer's kernel gave ${answers}`);
  startTaking(turn, "peer-silent");
}

function vipNames(state: State): string {
  const [first, ...more] = state.settings.vips.map((sided) => formatAddressPrefix(sided.vip.prefix));
  return more.length === 0 ? `${first}` : `${first} and ${more.length} more`;
}

/** The last link of the chain says it already. */
function noticeAlone(turn: Turn): void {
  if (turn.state.trail.some((cause) => cause.name === "alone")) return;
  turn.notice("error", "alone", "the peer is silent, but nobody else is seen either: this router is the broken one");
}

/**
 * Both are standby and hear each other (rule 5). The one that was active last takes, else the primary; the other one
 * when that does not happen within a second, or at once when the first one cannot or will not.
 */
function judgeBothStandby(turn: Turn): void {
  const { peer, bothStandbySinceMs } = turn.state;
  if (peer === undefined || peer.says.role === "active" || peer.says.holding) {
    turn.clear("bothStandbySinceMs");
    if (peer?.says.role === "standby" && isAskedForHolding(turn.state, turn.now)) judgeHoldingPeer(turn);
    return;
  }
  if (bothStandbySinceMs === undefined) turn.set({ bothStandbySinceMs: turn.now });
  if (turn.now < bothStandbyTakeAtMs(turn.state, turn.now)) return;
  const { leaving, abstaining, ready } = peer.says;
  const reason = abstaining ? "operator" : leaving ? "peer-left" : "nobody-active";
  const peerIs = leaving ? "is leaving" : abstaining ? "was released" : ready ? "is standby too" : "is not ready";
  turn.cause("both-standby", `no router is active, and the peer ${peerIs}`);
  startTaking(turn, reason);
}

/**
 * A standby that says that it has VIPs: its kernel is asked, as for a silent peer. When that answers and does not have them
 * they are nobody's; where it does not answer, when any lease has ended.
 */
function judgeHoldingPeer(turn: Turn): void {
  const gone = isAbsenceProven(turn.state) || (isDoubted(turn.state, turn.now) && isOwnerGone(turn.state, turn.now));
  if (!gone) {
    judgeAsking(turn);
    return;
  }
  if (!canServe(turn.state, turn.now)) return;
  turn.cause("not-holding", "the peer is standby and says that it has VIPs, but its kernel does not answer for them");
  startTaking(turn, "nobody-active");
}

/** Removing what was given up takes some milliseconds, in which nobody has to be asked. */
const REMOVAL_MS = 100;

/** Unless it was asked before, when it was active and did not renew. */
function isAskedForHolding({ peer, query }: State, nowMs: number): boolean {
  if (peer?.holdingSinceMs === undefined) return false;
  return query !== undefined || nowMs >= peer.holdingSinceMs + REMOVAL_MS;
}

function isPreferred(state: State): boolean {
  const theirs = state.peer?.says.lastActiveTerm ?? 0;
  return state.lastActiveTerm === theirs ? state.settings.router === "primary" : state.lastActiveTerm > theirs;
}

/** When this router takes, both being standby: Infinity while it cannot. */
function bothStandbyTakeAtMs(state: State, nowMs: number): number {
  const { peer, bothStandbySinceMs: sinceMs = nowMs } = state;
  if (peer === undefined || !canServe(state, nowMs)) return Infinity;
  const { leaving, abstaining, ready, lastActiveTerm } = peer.says;
  if (leaving || abstaining) return sinceMs;
  const meReady = unreadiness(state, nowMs) === undefined;
  const { better } = compare(state, nowMs);
  // The better place takes what nobody has; the other one when that does not happen.
  if (better === "here") return sinceMs;
  if (better === "there") return sinceMs + 2 * STANDBY_TIE_MS;
  if (meReady && ready) return isPreferred(state) ? sinceMs : sinceMs + STANDBY_TIE_MS;
  if (meReady) {
    const steppedDown = lastActiveTerm > 0 && lastActiveTerm >= state.lastActiveTerm;
    return isPreferred(state) || steppedDown ? sinceMs : sinceMs + STANDBY_TIE_MS;
  }
  return sinceMs + STANDBY_TIE_MS * (isPreferred(state) && !ready ? 1 : 2);
}

export function addTakeoverDeadlines(soonest: Soonest, state: State): void {
  const { phase, query, bothStandbySinceMs, retryTakeAtMs, timing } = state;
  if (phase.kind !== "standby") return;
  soonest.add(silentSinceMs(state) + timing.lateAfterMs);
  soonest.add(silentAtMs(state));
  soonest.add(bootCarrierDeadline(state));
  soonest.add(doubtAtMs(state));
  soonest.add(lapsingAtMs(state));
  soonest.add((state.peer?.holdingSinceMs ?? Infinity) + REMOVAL_MS);
  soonest.add(retryTakeAtMs);
  if (query !== undefined) {
    soonest.add(askDeadline(state, query));
    soonest.add(query.askedAtMs + timing.askEveryMs);
    soonest.add(heardEnoughAtMs(state));
    soonest.add(mayLiveUntilMs(state));
    soonest.add(takeFromSilentAtMs(state));
  }
  if (bothStandbySinceMs !== undefined) {
    soonest.add(bothStandbySinceMs + STANDBY_TIE_MS);
    soonest.add(bothStandbySinceMs + 2 * STANDBY_TIE_MS);
  }
}
