/** A planned move as the old owner leads it: make before break (rule 9). */
import type { HeartbeatPayload, MoveReason } from "../../wire/heartbeat/heartbeat.ts";
import { compare } from "../evidence/comparison.ts";
import { hasSuccessor, isPeerAlive } from "../evidence/peer.ts";
import { areViewsWorse } from "../evidence/service-views.ts";
import { coldUntilMs, goesCold, isCold, warmthText } from "../evidence/sync-warmth.ts";
import { isForDisadvantage, noteJudgedMove } from "../machine/damping.ts";
import { isRenewalStuck } from "../machine/lease.ts";
import {
  agreementMs,
  FAILBACK_MOVE_LIMIT_MS,
  MOVE_LIMIT_MS,
  PROOF_WAIT_MS,
  STOP_LIMIT_MS,
  UNPROVEN_WAIT_MS,
} from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { Move, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { askForProof, dropContest, startAnnouncing } from "./announce.ts";
import { failbackWanted, noteFailbackFailed, noteReturned } from "./failback.ts";
import { becomeStandby } from "./role.ts";
import { wantReclaim } from "./takeover-step.ts";

/** The link of a chain that names a move's reason. */
export const PLANNED_MOVE = "planned move to the peer";
/** After a planned move that failed, before the same reason starts another. */
const RETRY_MOVE_MS = 1_000;
/** A router that stops waits so long for a peer that is not ready, then it offers what that can take. */
const UNREADY_STOP_MS = 1_000;
/** For how long a refusal or cancellation is told. */
export const LAST_WORD_MS = 1_000;
/** Well above the time of a turn, and below what two owners may last. */
const END_SLACK_MS = 100;
/** At the agreement's end the new owner counts as alive when it was heard within this many hurried heartbeats. */
const ALIVE_HEARTBEATS = 5;

function moveLimitMs(reason: MoveReason): number {
  if (reason === "stopping") return STOP_LIMIT_MS;
  return reason === "failback" ? FAILBACK_MOVE_LIMIT_MS : MOVE_LIMIT_MS;
}

/** Begins a planned move; it is offered as soon as the peer is ready. */
export function startMove(turn: Turn, reason: MoveReason, more: { id?: number; operator?: number } = {}): void {
  const id = more.id ?? Number.parseInt(turn.draw(8), 16);
  const limitMs = moveLimitMs(reason);
  const { operator } = more;
  turn.set({ move: { id, reason, sinceMs: turn.now, limitMs, ...(operator === undefined ? {} : { operator }) } });
  turn.clear("lastWord", "acceptance");
  turn.cause("move", `${PLANNED_MOVE}: ${reason}`);
  judgeMove(turn);
}

/** What a move that is not offered yet waits for; undefined: nothing. */
export function waitsFor(state: State, move: Move, nowMs: number): string | undefined {
  const { peer } = state;
  if (peer === undefined || !isPeerAlive(state, nowMs)) return "the peer is not heard";
  // A router that goes hands over to whatever the peer can take.
  if (!peer.says.ready && (move.reason !== "stopping" || nowMs < move.sinceMs + UNREADY_STOP_MS))
    return "the peer is not ready";
  // What cannot drop the VIPs must not offer them.
  if (isRenewalStuck(state, nowMs)) return "this router's kernel does not answer";
  if (isCold(state, move)) return `the connections have to be known there: ${warmthText(state)}`;
  return undefined;
}

/** A reason that lies in the state of the two may have gone before the move was offered. */
function isStillWanted(state: State, move: Move, nowMs: number): boolean {
  if (move.reason === "failback") return failbackWanted(state, nowMs);
  if (isForDisadvantage(move.reason)) return compare(state, nowMs).better === "there";
  if (move.reason === "views") return areViewsWorse(state, nowMs);
  return true;
}

/** Offers the move when the peer is ready, and ends it when its time is over. */
export function judgeMove(turn: Turn): void {
  const { move, phase } = turn.state;
  if (move === undefined) return;
  if (phase.kind !== "active") endMove(turn, false, "this router is not active any more");
  else if (move.offeredAtMs !== undefined) {
    if (turn.now >= agreementEndMs(turn.state, move)) endAgreement(turn, move);
  } else if (!isStillWanted(turn.state, move, turn.now)) endMove(turn, false, "its reason is gone");
  else if (move.reason === "stopping" && !hasSuccessor(turn.state, turn.now)) failMove(turn, "nobody could take over");
  else {
    const waiting = waitsFor(turn.state, move, turn.now);
    if (waiting === undefined) offer(turn, move);
    else if (turn.now >= move.sinceMs + move.limitMs) failMove(turn, `gave up after ${move.limitMs} ms: ${waiting}`);
    else if (isCold(turn.state, move) && turn.now >= coldUntilMs(move)) endWaiting(turn, move, waiting);
    else if (move.waitedFor !== waiting) turn.set({ move: { ...move, waitedFor: waiting } });
  }
}

/** The connections were waited for long enough. A peer that is not ready is waited for on. */
function endWaiting(turn: Turn, move: Move, waiting: string): void {
  const waitedMs = Math.round(turn.now - move.sinceMs);
  if (!goesCold(move)) failMove(turn, `gave up after ${waitedMs} ms: ${waiting}`);
  else if (turn.state.peer?.says.ready === true && isPeerAlive(turn.state, turn.now)) {
    turn.notice("warn", "move-cold", `hands over after ${waitedMs} ms though ${warmthText(turn.state)}`);
    offer(turn, move);
  }
}

function offer(turn: Turn, move: Move): void {
  if (move.waitedFor !== undefined) {
    turn.cause("waited", `waited ${Math.round(turn.now - move.sinceMs)} ms: ${move.waitedFor}`);
  }
  if (turn.state.warmth !== undefined) turn.cause("warmth", warmthText(turn.state));
  turn.set({ move: { ...move, offeredAtMs: turn.now } });
  askForProof(turn);
  dropContest(turn);
  noteJudgedMove(turn, move.reason);
  turn.cause("offered", "the VIPs are offered to the peer");
  turn.tell = true;
}

/**
 * How long both may have the VIPs while the new owner looks for a neighbour that confirms it: where none confirmed this
 * router either, none will confirm the other one.
 */
function proofWaitMs({ verification }: State): number {
  return verification?.confirmedBy === undefined ? UNPROVEN_WAIT_MS : PROOF_WAIT_MS;
}

/** A program of the new owner may take its time; once that has the VIPs, little is left to prove it. */
function agreementEndMs(state: State, { offeredAtMs = Infinity, takenAtMs = Infinity }: Move): number {
  const provenMs = Math.max(offeredAtMs, takenAtMs) + proofWaitMs(state);
  return Math.min(offeredAtMs + agreementMs(state.settings), provenMs);
}

/** The agreement ran out without proof: the peer's last words decide (rule 9). */
function endAgreement(turn: Turn, move: Move): void {
  const { peer, lastActiveTerm, timing } = turn.state;
  const alive = peer !== undefined && turn.now - peer.heardAtMs <= ALIVE_HEARTBEATS * timing.hurryMs;
  if (alive && peer.says.role === "active" && peer.says.lastActiveTerm > lastActiveTerm) {
    turn.cause("agreement-over", "the peer has the VIPs, unverified; the agreement has run out");
    handedOver(turn, move, false);
  } else {
    failMove(turn, alive ? "the peer did not take the VIPs in time" : "the peer fell silent while taking the VIPs");
  }
}

/**
 * How long both had the VIPs is by this router's clock: from the peer's word that it has them, which came a moment after
 * it had, until they are dropped here.
 */
function handedOver(turn: Turn, move: Move, isVerified: boolean): void {
  const ms = Math.round(turn.now - (move.offeredAtMs ?? move.sinceMs));
  const overlapMs = Math.round(turn.now - (move.takenAtMs ?? turn.now));
  const doubt = isVerified ? "" : ", but no neighbour confirmed that it gets their traffic";
  noteReturned(turn);
  becomeStandby(turn, move.reason === "stopping" ? "stopped" : "handed-over");
  const waitedMs = Math.round((move.offeredAtMs ?? move.sinceMs) - move.sinceMs);
  const waited = move.waitedFor === undefined ? "" : `; before that it waited ${waitedMs} ms: ${move.waitedFor}`;
  const gap = `no gap: it had them ${overlapMs} ms before this router dropped them${doubt}`;
  endMove(turn, true, `the peer is active, ${ms} ms after it was offered the VIPs; ${gap}${waited}`);
}

/** This router stays active, and takes the neighbours back if the peer had begun. */
export function failMove(turn: Turn, why: string): void {
  const { move } = turn.state;
  if (move === undefined) return;
  turn.notice("warn", "move-failed", `the planned move (${move.reason}) failed: ${why}`);
  if (move.offeredAtMs !== undefined) {
    const word = { step: "cancel" as const, id: move.id, reason: move.reason };
    turn.set({ lastWord: { word, untilMs: turn.now + LAST_WORD_MS } });
    startAnnouncing(turn);
    wantReclaim(turn);
    turn.tell = true;
  }
  turn.set({ retryMoveAtMs: turn.now + RETRY_MOVE_MS });
  if (move.reason === "failback") noteFailbackFailed(turn);
  endMove(turn, false, why);
}

/** Forgets the move and answers the operator who asked for it. */
export function endMove(turn: Turn, ok: boolean, text: string): void {
  const { move } = turn.state;
  if (move === undefined) return;
  turn.clear("move");
  if (move.operator !== undefined) turn.emit({ kind: "answer", id: move.operator, ok, text });
}

/** What the new owner says about the move that was offered to it. */
export function hearOfMove(turn: Turn): void {
  const { move, peer, phase } = turn.state;
  const word = peer?.says.agreement;
  // The same packet may have ended this tenure by its higher term: then the next tick ends the move.
  if (phase.kind !== "active" || move?.offeredAtMs === undefined || word === undefined || word.id !== move.id) return;
  if (word.step === "taken" && move.takenAtMs === undefined) turn.set({ move: { ...move, takenAtMs: turn.now } });
  if (word.step === "refuse") failMove(turn, "the peer refused it");
  else if (word.step === "verified" || word.step === "unverifiable") {
    const isVerified = word.step === "verified";
    const proof = isVerified ? "verified that it gets their traffic" : "has nobody to verify it with";
    turn.cause("taken-there", `the peer has the VIPs and ${proof}`);
    handedOver(turn, move, isVerified);
  }
}

/** A peer that says so at the other end of a running agreement is not a rival: the overlap is agreed. */
export function isAgreedOverlap(state: State, says: HeartbeatPayload, nowMs: number): boolean {
  const { move } = state;
  if (move?.offeredAtMs === undefined || says.agreement?.id !== move.id) return false;
  // A heartbeat that comes in the moment of its end is read before the end is judged.
  return nowMs < agreementEndMs(state, move) + END_SLACK_MS;
}

export function addMoveDeadlines(soonest: Soonest, state: State): void {
  const { move, retryMoveAtMs, lastWord } = state;
  soonest.add(retryMoveAtMs);
  soonest.add(lastWord?.untilMs);
  if (move === undefined) return;
  const { offeredAtMs } = move;
  soonest.add(offeredAtMs === undefined ? move.sinceMs + move.limitMs : agreementEndMs(state, move));
}
