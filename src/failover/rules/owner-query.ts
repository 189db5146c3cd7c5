/**
 * Asking the peer's kernel whether it still has the VIPs, and telling a blip from its death (rules 4 and 18).
 *
 * Asking begins while the peer is only late, so that it costs no time, and goes on every few milliseconds, so that the
 * moment its kernel falls silent is seen at once. One lost answer must not pass for silence: how many questions in a
 * row have to stay without an answer follows from how many were answered before.
 */
import { type IpAddress, sameAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { PathName } from "../../model/pair.ts";
import { isConflictAnswer, noteConflict } from "../evidence/conflict.ts";
import {
  doubtAtMs,
  isDoubted,
  isPeerAlive,
  isPeerLapsing,
  learnPeerMac,
  silentAtMs,
  silentSinceMs,
} from "../evidence/peer.ts";
import { noteTrialAnswer } from "../evidence/provability.ts";
import { isAbsenceShown, isProvable, roundOf } from "../evidence/questions.ts";
import { seesSomebodySince } from "../evidence/side-evidence.ts";
import { interfaceOf } from "../machine/interfaces.ts";
import { ANNOUNCE_AGAIN_MS, ANNOUNCE_REFRESH_MS, type FailoverSettings, LEASE_SLACK_MS } from "../machine/settings.ts";
import type { OwnerQuery, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { startDefending } from "./announce.ts";
import { noteWatchedPeer, noteWatchedVip } from "./owner-watch.ts";

/** More than one heartbeat of a living peer; a fast pair listens for a quarter of `dead_after`. */
const LISTEN_INTERVALS = 1.5;
/** How often neighbours are asked at the most, with what an answer takes. */
const NEIGHBOURS_ASKED_MS = 100;
/** Silence needs at least this many questions without an answer … */
const UNANSWERED_MIN = 3;
const UNANSWERED_MAX = 40;
/** … and is believed when it would be chance this rarely. */
const CHANCE = 1e-6;
/** A second owner is answered by an announcement at most this often (RFC 5227, DEFEND_INTERVAL). */
const DEFEND_INTERVAL_MS = 10_000;

const FIRST_QUERY: OwnerQuery = {
  sinceMs: 0,
  attempt: 0,
  askedAtMs: 0,
  unanswered: 0,
  answered: 0,
  standoff: false,
  ownAnswered: [],
  absentRounds: 0,
  unansweredSeeing: 0,
};

/** Asks now if a question is due; the neighbours are asked with it, for evidence that I am not the broken one. */
export function judgeAsking(turn: Turn): void {
  const before = turn.state.query;
  if (before !== undefined && turn.now < askDeadline(turn.state, before)) return;
  if (before === undefined)
    turn.cause("peer-late", `${whyAsked(turn.state, turn.now)}: its kernel is asked for the VIPs`);
  const query = before === undefined ? { ...FIRST_QUERY, sinceMs: turn.now } : endRound(turn.state, before);
  const { questions, peer } = roundOf(turn.state, query.attempt);
  const attempt = query.attempt + 1;
  turn.emit({ kind: "ask-owner", attempt, questions, peer });
  turn.emit({ kind: "ask-neighbours" });
  const asked = { ...query, attempt, askedAtMs: turn.now, unanswered: query.unanswered + 1 };
  turn.set({ query: noteSeeing(asked, seesSomebody(turn.state, turn.now), turn.now) });
}

/** Questions of an isolated router say nothing, nor does the silence that it heard. */
function noteSeeing({ seeingSinceMs, ...query }: OwnerQuery, sees: boolean, nowMs: number): OwnerQuery {
  if (!sees) return { ...query, unansweredSeeing: 0 };
  return { ...query, unansweredSeeing: query.unansweredSeeing + 1, seeingSinceMs: seeingSinceMs ?? nowMs };
}

function whyAsked(state: State, nowMs: number): string {
  if (isPeerLapsing(state, nowMs)) return "the peer is active, but has not renewed its leases for long";
  const isStandby = isPeerAlive(state, nowMs) && state.peer?.holdingSinceMs !== undefined;
  return isStandby ? "the peer is standby, and says that it has VIPs" : "the peer is late";
}

/** A round in which an own address was answered for, and no VIP beside it. */
function endRound(state: State, query: OwnerQuery): OwnerQuery {
  const isShown = query.unanswered > 0 && isAbsenceShown(state, query.ownAnswered);
  return { ...query, ownAnswered: [], absentRounds: query.absentRounds + (isShown ? 1 : 0) };
}

/**
 * Somebody was seen since the peer fell silent. Heartbeats on the other path and frames under way may be younger than the
 * last packet that counted.
 */
export function seesSomebody(state: State, nowMs: number): boolean {
  const sinceMs = silentSinceMs(state) + state.settings.intervalMs;
  return seesSomebodySince(state, Math.max(sinceMs, nowMs - seenWithinMs(state.settings)), nowMs);
}

/** Neighbours are asked at every interval, but not more often than they should be bothered: two answers may be lost. */
function seenWithinMs({ intervalMs }: FailoverSettings): number {
  return 2 * Math.max(intervalMs, NEIGHBOURS_ASKED_MS) + NEIGHBOURS_ASKED_MS;
}

/** When the next question is due. */
export function askDeadline(state: State, query: OwnerQuery): number {
  return query.askedAtMs + (query.standoff ? state.timing.askSlowlyMs : state.timing.askEveryMs);
}

/** How many questions in a row without an answer are no chance. */
export function unansweredNeeded(query: OwnerQuery): number {
  if (query.answered === 0) return UNANSWERED_MIN;
  // One more than was seen on each side, so that few questions don't prove a faultless network.
  const lossRate = (query.attempt - query.unanswered - query.answered + 1) / (query.attempt - query.unanswered + 2);
  const needed = Math.ceil(Math.log(CHANCE) / Math.log(Math.min(0.99, Math.max(0.001, lossRate))));
  return Math.min(UNANSWERED_MAX, Math.max(UNANSWERED_MIN, needed));
}

/** The peer's kernel does not have the VIPs: enough questions stayed without an answer, each of which had its time. */
export function isOwnerGone(state: State, nowMs: number): boolean {
  const { query, timing } = state;
  if (query === undefined) return false;
  // The last question counts when an answer would be here by now; those before it had that time.
  const isLastDue = nowMs >= query.askedAtMs + timing.askEveryMs;
  const hadTime = isLastDue ? query.unansweredSeeing : query.unansweredSeeing - 1;
  return hadTime >= unansweredNeeded(query) && nowMs >= heardEnoughAtMs(state);
}

/** Who begins to see somebody again listens for long enough to hear a living peer, before its silence means anything. */
export function heardEnoughAtMs({ query, settings }: State): number {
  if (query?.seeingSinceMs === undefined) return Infinity;
  return query.seeingSinceMs + Math.min(LISTEN_INTERVALS * settings.intervalMs, settings.deadAfterMs / 4);
}

/** Its kernel answers, and does not have the VIPs: shown in as many rounds as make it no chance. */
export function isAbsenceProven({ query }: State): boolean {
  return query !== undefined && query.absentRounds >= unansweredNeeded(query);
}

/**
 * Until when the peer's VIPs may live although nothing answers any more (rule 18): its kernel answered after its daemon had
 * been silent for `dead_after`, so not its death but the frames may be what is missing. Then its daemon may have renewed
 * the leases until its last frame, and somebody renews those that answer even after that.
 */
export function mayLiveUntilMs(state: State): number {
  const { query, settings, peerFrameAtMs = -Infinity } = state;
  const heardAtMs = silentSinceMs(state);
  const { kernelAnsweredAtMs = -Infinity, lastAnswerAtMs = -Infinity } = query ?? {};
  if (kernelAnsweredAtMs <= heardAtMs + settings.deadAfterMs) return -Infinity;
  const renewedUntilMs = Math.max(heardAtMs, peerFrameAtMs) + settings.intervalMs;
  const endMs = renewedUntilMs + settings.leaseMs + LEASE_SLACK_MS;
  return lastAnswerAtMs <= endMs ? endMs : lastAnswerAtMs + settings.leaseMs + LEASE_SLACK_MS;
}

/** The peer's kernel does not have the VIPs any more, by what it answers or by the end of every lease that it may have. */
export function areVipsGone(state: State, nowMs: number): boolean {
  if (!isOwnerGone(state, nowMs)) return false;
  return isAbsenceProven(state) || nowMs >= mayLiveUntilMs(state);
}

function isPeerMac(state: State, mac: MacAddress): boolean {
  return [...state.peerMacs.values()].includes(mac);
}

/** Somebody says that a VIP is at its MAC. */
export interface OwnerSaying {
  readonly address: IpAddress;
  readonly mac: MacAddress;
  readonly interface: string;
  /** It was said to others or to all, not in answer to a question. */
  readonly announced?: true;
}

export function onOwnerAnswer(turn: Turn, answer: OwnerSaying): void {
  const { query, peerMacs, ownMacs, settings } = turn.state;
  if ([...ownMacs.values()].includes(answer.mac)) return;
  const vip = settings.vips.find((sided) => sameAddress(sided.vip.prefix.address, answer.address))?.vip;
  if (vip === undefined) return;
  const isPeer = isPeerMac(turn.state, answer.mac);
  if (isPeer && answer.announced === undefined) noteTrialAnswer(turn, vip);
  if (turn.state.phase.kind === "active") {
    if (isPeer && answer.announced === undefined && isProvable(turn.state, vip)) noteWatchedVip(turn);
    onSecondOwner(turn, answer);
    return;
  }
  // While no MAC of the peer is known any answer may be the peer's: wait for it as for the peer.
  if (peerMacs.size > 0 && !isPeer) {
    noteConflict(turn, answer);
    return;
  }
  if (query === undefined || !isProvable(turn.state, vip)) return;
  if (query.answered === 0) {
    turn.cause("owner-answered", `the peer's kernel answers for ${answer.address.text} from ${answer.mac}`);
  }
  const { goneSinceMs: _, ...rest } = query;
  turn.set({
    query: {
      ...rest,
      answered: query.answered + (query.unanswered > 0 ? 1 : 0),
      unanswered: 0,
      unansweredSeeing: 0,
      absentRounds: 0,
      firstAnswerAtMs: query.firstAnswerAtMs ?? turn.now,
      lastAnswerAtMs: turn.now,
      kernelAnsweredAtMs: turn.now,
    },
  });
  judgeStandoff(turn);
}

/** The peer's own address of a side was answered for: its kernel lives, and its MAC there is this one. */
export function onPeerAnswer(turn: Turn, side: PathName, mac: MacAddress): void {
  learnPeerMac(turn, interfaceOf(turn.state, side), mac);
  const { query } = turn.state;
  noteWatchedPeer(turn, side);
  if (query === undefined) return;
  const ownAnswered = query.ownAnswered.includes(side) ? query.ownAnswered : [...query.ownAnswered, side];
  turn.set({ query: { ...query, ownAnswered, kernelAnsweredAtMs: turn.now } });
}

/**
 * Somebody else answers for a VIP that this router has: the neighbours may follow that one, so it is announced again
 * (rule 8). In the overlap of a planned move it is the old owner.
 */
function onSecondOwner(turn: Turn, answer: OwnerSaying): void {
  const { announcing, acceptance, move, peer, defendedAtMs } = turn.state;
  const isPeer = isPeerMac(turn.state, answer.mac);
  if (!isPeer) {
    const isOld = answer.announced === undefined && isConflictAnswer(turn.state, answer, turn.now);
    noteConflict(turn, answer);
    if (isOld) return;
  } else if (acceptance !== undefined || move?.offeredAtMs !== undefined) return;
  // A peer that may be active as well: terms decide, by heartbeats; two routers that announce by turns help nobody.
  else if (!isPeerAlive(turn.state, turn.now) || peer?.says.role === "active") return;
  const announcedAtMs = (announcing?.refreshAtMs ?? 0) - ANNOUNCE_REFRESH_MS;
  const dueAtMs = Math.max(announcedAtMs + ANNOUNCE_AGAIN_MS, (defendedAtMs ?? -Infinity) + DEFEND_INTERVAL_MS);
  if (announcing !== undefined && (isPeer || turn.now < dueAtMs)) {
    // Not yet, but not never: neighbours that follow it would do so until the refresh, for up to a minute. And not within
    // the second in which they take nothing new. What a peer that is just taking over announces comes before its
    // heartbeat that says so: an answer to that at once would turn the neighbours back to a router that steps down.
    const contestedAtMs = announcing.contestedAtMs ?? Math.max(dueAtMs, turn.now + ANNOUNCE_AGAIN_MS);
    turn.set({ announcing: { ...announcing, contestedAtMs } });
    return;
  }
  turn.cause("second-owner", `${answer.mac} answers for ${answer.address.text} too: the VIPs are announced again`);
  startDefending(turn);
}

/** A kernel that answers for longer than two leases after its daemon fell silent does not have leased addresses. */
function judgeStandoff(turn: Turn): void {
  const { query, settings } = turn.state;
  if (query === undefined || query.standoff) return;
  const isDoubt = isDoubted(turn.state, turn.now) && isPeerAlive(turn.state, turn.now);
  const fromMs = isDoubt ? doubtAtMs(turn.state) : silentAtMs(turn.state);
  const sinceMs = Math.max(fromMs, query.firstAnswerAtMs ?? turn.now);
  if (turn.now - sinceMs < 2 * settings.leaseMs) return;
  turn.set({ query: { ...query, standoff: true } });
  const who = isDoubt ? "the peer is standby" : "the peer's heartbeats are not heard";
  const why = isDoubt ? "" : "heartbeats filtered, another key, or ";
  const text =
    `${who}, but its kernel still answers for the VIPs after two leases: ${why}VIPs without a lease; ` +
    "standing off (`tandem failover take --force` takes them)";
  turn.notice("error", "peer-keeps-addresses", text);
}
