/**
 * An active that does not hear its peer looks for a second owner (rule 19). Of two owners the one that came later gives way,
 * and each can tell by itself: who has proof, from within its tenure, that the peer's kernel had no VIP was there first.
 */
import type { PathName } from "../../model/pair.ts";
import { isPeerAlive, silentAtMs } from "../evidence/peer.ts";
import { isAbsenceShown, roundOf } from "../evidence/questions.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { OwnerWatch, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { startAnnouncing } from "./announce.ts";
import { becomeStandby } from "./role.ts";

const ASK_EVERY_MS = 100;
/**
 * After a minute without a finding. Together with the rounds that follow a finding it keeps the promise that two owners last
 * at most a second once frames pass between them.
 */
const ASK_SLOWLY_MS = 500;
const SLOW_AFTER_MS = 60_000;
/** The peer's kernel has a VIP in this many answered rounds … */
const SEEN_ROUNDS = 3;
/** … over this time: it is no answer that was under way. */
const SEEN_MS = 300;
/** So many rounds without an answer in a row end a finding. */
const MISSED_ROUNDS = 3;
/** The peer's kernel does not have them in this many rounds: proof. */
const PROOF_ROUNDS = 3;
/** Both have proof and stay: then the backup gives way. */
const PATIENCE_MS = 3_000;
/** The peer's daemon lives: one of its heartbeats was seen on the wire within so many intervals. */
const FRAME_INTERVALS = 3;

const FIRST_WATCH: Omit<OwnerWatch, "sinceMs" | "askedAtMs"> = {
  attempt: 0,
  vipAnswered: false,
  ownAnswered: [],
  absentRounds: 0,
};

/**
 * It watches while it is active and its peer has been silent for `dead_after`, or is heard to be active too: one of the two
 * gives way as soon as it hears the other, and a peer that goes on is deaf.
 */
function isWatching(state: State, nowMs: number): boolean {
  const { phase, peer, move, acceptance } = state;
  if (phase.kind !== "active") return false;
  if (!isPeerAlive(state, nowMs)) return nowMs >= silentAtMs(state);
  return peer?.says.role === "active" && move === undefined && acceptance === undefined;
}

function askDeadline(watch: OwnerWatch): number {
  const isSlow = watch.seen === undefined && watch.askedAtMs - watch.sinceMs >= SLOW_AFTER_MS;
  return watch.askedAtMs + (isSlow ? ASK_SLOWLY_MS : ASK_EVERY_MS);
}

/** Asks when a question is due, and draws the conclusion from the round before. */
export function judgeOwnerWatch(turn: Turn): void {
  if (!isWatching(turn.state, turn.now)) {
    if (turn.state.ownerWatch?.seen?.said === true && turn.state.phase.kind === "active") startAnnouncing(turn);
    turn.clear("ownerWatch");
    return;
  }
  const { ownerWatch } = turn.state;
  if (ownerWatch === undefined) ask(turn, { ...FIRST_WATCH, sinceMs: turn.now, askedAtMs: turn.now });
  else if (turn.now >= askDeadline(ownerWatch)) {
    ask(turn, endRound(turn, ownerWatch));
    judgeSeen(turn);
  }
}

function ask(turn: Turn, watch: OwnerWatch): void {
  const { questions, peer } = roundOf(turn.state, watch.attempt);
  const attempt = watch.attempt + 1;
  turn.set({ ownerWatch: { ...watch, attempt, askedAtMs: turn.now, vipAnswered: false, ownAnswered: [] } });
  turn.emit({ kind: "ask-owner", attempt, questions, peer });
}

function endRound(turn: Turn, watch: OwnerWatch): OwnerWatch {
  const { seen, ...rest } = watch;
  if (watch.vipAnswered) {
    const before = seen ?? { sinceMs: watch.askedAtMs, rounds: 0, said: false };
    return { ...rest, absentRounds: 0, seen: { ...before, rounds: before.rounds + 1, missed: 0 } };
  }
  const isAbsent = isAbsenceShown(turn.state, watch.ownAnswered);
  const absentRounds = watch.absentRounds + (isAbsent ? 1 : 0);
  if (absentRounds >= PROOF_ROUNDS && !turn.state.proven) {
    turn.set({ proven: true });
    turn.cause("proven", "the peer's kernel answers, and does not have the VIPs");
  }
  if (seen === undefined) return { ...rest, absentRounds };
  const missed = seen.missed + 1;
  if (missed < MISSED_ROUNDS) return { ...rest, absentRounds, seen: { ...seen, missed } };
  // The neighbours may have learnt the other one's MAC last.
  if (seen.said) {
    turn.cause("rival-gone", "the peer's kernel does not have the VIPs any more: they are announced again");
    startAnnouncing(turn);
  }
  return { ...rest, absentRounds };
}

/** A daemon of the peer's machine has spoken lately, whether this router could read it or not. */
export function isPeerSpeaking({ peerFrameAtMs = -Infinity, settings }: State, nowMs: number): boolean {
  return nowMs - peerFrameAtMs < FRAME_INTERVALS * settings.intervalMs;
}

/** Two owners: who came later gives way. */
function judgeSeen(turn: Turn): void {
  const { ownerWatch, phase, proven, settings } = turn.state;
  const seen = ownerWatch?.seen;
  if (ownerWatch === undefined || seen === undefined || phase.kind !== "active") return;
  const lastedMs = turn.now - seen.sinceMs;
  if (seen.rounds < SEEN_ROUNDS || lastedMs < SEEN_MS) return;
  const isLast = settings.router === "backup" && lastedMs >= PATIENCE_MS && isPeerSpeaking(turn.state, turn.now);
  if (isForced(turn.state) || (proven && !isLast)) {
    if (seen.said) return;
    turn.set({ ownerWatch: { ...ownerWatch, seen: { ...seen, said: true } } });
    const why = proven ? "this router had them first" : "an operator took them by force";
    turn.notice("error", "second-owner", `${whoIsSeen(turn.state, turn.now)}: ${why}, and stays`);
    startAnnouncing(turn);
    return;
  }
  const why = proven ? "both stay for long" : "it may have had them first";
  turn.notice("error", "second-owner", `${whoIsSeen(turn.state, turn.now)}: ${why}; they are given up`);
  turn.set({ yielding: settings.router === "backup" });
  becomeStandby(turn, "second-owner");
}

function whoIsSeen(state: State, nowMs: number): string {
  if (!isPeerAlive(state, nowMs)) return "the peer is not heard, but its kernel has VIPs too";
  return "the peer is active too, and does not hear this router";
}

/** `take --force` said that the peer's kernel is not to be minded. */
function isForced({ phase }: State): boolean {
  return phase.kind === "active" && phase.forced === true;
}

/** The peer's kernel answered for a VIP: in the round that runs. */
export function noteWatchedVip(turn: Turn): void {
  const { ownerWatch } = turn.state;
  if (ownerWatch !== undefined) turn.set({ ownerWatch: { ...ownerWatch, vipAnswered: true } });
}

/** The peer's kernel answered for its own address of that side. */
export function noteWatchedPeer(turn: Turn, side: PathName): void {
  const { ownerWatch } = turn.state;
  if (ownerWatch === undefined || ownerWatch.ownAnswered.includes(side)) return;
  turn.set({ ownerWatch: { ...ownerWatch, ownAnswered: [...ownerWatch.ownAnswered, side] } });
}

/** A heartbeat that counted says that the peer is standby and holds nothing: proof, for this tenure. */
export function noteProof(turn: Turn): void {
  const { phase, peer, proven } = turn.state;
  if (phase.kind !== "active" || proven || peer === undefined) return;
  const { role, holding, vips } = peer.says;
  if (role === "standby" && !holding && vips.every((vip) => !vip.held)) turn.set({ proven: true });
}

/** Two kernels have the VIPs, and this router knows it. */
export function isSecondOwnerSeen({ ownerWatch }: State): boolean {
  return ownerWatch?.seen?.said === true;
}

export function addOwnerWatchDeadline(soonest: Soonest, state: State): void {
  if (state.phase.kind !== "active") return;
  if (state.ownerWatch === undefined) soonest.add(silentAtMs(state));
  else soonest.add(askDeadline(state.ownerWatch));
}
