/** Two routers that are active and hear each other (rule 5), and obeying a higher term (rule 7). */
import { PATHS } from "../../model/pair.ts";
import type { Heartbeat, HeartbeatPayload } from "../../wire/heartbeat/heartbeat.ts";
import { confirmedVips } from "../machine/lease.ts";
import { TERM_LIMIT } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { PeerView, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { startAnnouncing } from "./announce.ts";
import { noteProof } from "./owner-watch.ts";
import { isAgreedOverlap } from "./planned-move.ts";
import { abortTaking, becomeStandby } from "./role.ts";
import { wantReclaim } from "./takeover-step.ts";

/**
 * Whether the peer, being active, is right and I am not. What counts is the term in which each became active, not the
 * highest it has heard of.
 */
function peerPrevails(state: State, says: HeartbeatPayload): boolean {
  const mine = state.lastActiveTerm;
  return says.lastActiveTerm > mine || (says.lastActiveTerm === mine && state.settings.router === "backup");
}

/**
 * A packet without terms that cannot be: a nonsense term that were obeyed would be kept on both disks for ever. Its sender
 * is heard all the same, as one that was never active.
 */
export function withinTermLimit(heartbeat: Heartbeat): Heartbeat {
  const { payload } = heartbeat;
  if (payload.term <= TERM_LIMIT && payload.lastActiveTerm <= TERM_LIMIT) return heartbeat;
  const bounded = (term: number) => (term > TERM_LIMIT ? 0 : term);
  const terms = { term: bounded(payload.term), lastActiveTerm: bounded(payload.lastActiveTerm) };
  return { ...heartbeat, payload: { ...payload, ...terms } };
}

/**
 * The first reaction to what the peer says. Terms only rise, so that a packet held back on its way, or one from a peer
 * that is deaf to me, is obeyed as well when its term is higher: it was true when it was said.
 */
export function obeyTerm(turn: Turn, says: HeartbeatPayload): void {
  const { phase, term } = turn.state;
  if (says.role === "active" && phase.kind === "active" && !isAgreedOverlap(turn.state, says, turn.now)) {
    if (peerPrevails(turn.state, says)) {
      const terms = `the peer is active in term ${says.lastActiveTerm}, I am in term ${turn.state.lastActiveTerm}`;
      turn.cause("two-actives", terms);
      becomeStandby(turn, "higher-term");
    }
  }
  if (says.term > term) {
    // It has begun to take over, and perhaps its program has moved something before it gave up or died.
    if (turn.state.phase.kind === "active" && !isMoving(turn.state)) wantReclaim(turn);
    turn.set({ term: says.term });
    turn.persist();
  }
}

function isMoving({ acceptance, move }: State): boolean {
  return acceptance !== undefined || move !== undefined;
}

/**
 * The peer is heard again after a silence. What it did meanwhile it may have undone before it spoke; its traces, in the
 * neighbours' caches and elsewhere, are replaced.
 */
function judgeReturn(turn: Turn, peer: PeerView): void {
  const { phase } = turn.state;
  if (phase.kind !== "active" || peer.sinceMs !== turn.now || isMoving(turn.state)) return;
  wantReclaim(turn);
  if (peer.says.lastActiveTerm === 0) return;
  turn.cause("peer-returned", "the peer is back, and may have had the VIPs meanwhile: they are announced again");
  startAnnouncing(turn);
}

/** The rest of it, for packets that count: a rival is told of, and outlived. */
export function judgeRival(turn: Turn): void {
  const { phase, peer, rival, acceptance, lastActiveTerm } = turn.state;
  if (peer === undefined) return;
  const peerActive = peer.says.role === "active";
  noteProof(turn);
  judgeReturn(turn, peer);
  const holdsThere = !peerActive && peer.says.vips.some((vip) => vip.held);
  if ((phase.kind === "active" || phase.kind === "taking") && peer.says.stepping === true) wantReclaim(turn);
  if (phase.kind === "taking" && peerActive && acceptance === undefined && !phase.taking.force) {
    abortTaking(turn, "the peer is active");
  } else if (phase.kind === "active" && peerActive && !rival && !isAgreedOverlap(turn.state, peer.says, turn.now)) {
    turn.set({ rival: true });
    if (acceptance === undefined) {
      const terms = `in term ${peer.says.lastActiveTerm}; mine is ${lastActiveTerm}`;
      turn.notice("warn", "two-actives", `the peer is active too, ${terms}: I stay`);
    }
  } else if (phase.kind === "active" && holdsThere && !rival && !isMoving(turn.state)) {
    turn.set({ rival: true });
    turn.notice("warn", "second-owner", "the peer is standby, but its kernel has VIPs too");
  } else if (phase.kind === "active" && rival && !peerActive && !holdsThere) {
    // The neighbours may have learnt the rival's MAC last.
    turn.set({ rival: false });
    wantReclaim(turn);
    turn.cause("rival-gone", "the peer gave the VIPs up: they are announced again");
    if (acceptance === undefined) startAnnouncing(turn);
    else turn.emit({ kind: "announce", vips: confirmedVips(turn.state), unicast: true });
  } else if (phase.kind === "active" && !peerActive && peer.says.lastActiveTerm >= lastActiveTerm)
    succeed(turn, peer.says);
}

/**
 * A standby that was active in a later tenure than this one, or beside it in the same term, which was never heard of here:
 * its traces are replaced.
 */
function succeed(turn: Turn, says: HeartbeatPayload): void {
  const { term, acceptance, move } = turn.state;
  if (acceptance !== undefined || move !== undefined) return;
  const next = Math.min(TERM_LIMIT, Math.max(term, says.lastActiveTerm) + 1);
  turn.set({ term: next, lastActiveTerm: next });
  turn.persist();
  wantReclaim(turn);
  turn.cause(
    "later-tenure",
    `the peer was active in term ${says.lastActiveTerm} meanwhile: the VIPs are announced again`,
  );
  startAnnouncing(turn);
}

/** A peer that is deaf to me and claims to be active: for a while this holds back a takeover, which it would not hear. */
const CLAIM_INTERVALS = 2.5;

/**
 * A packet that was authentic and new, but shows that its sender has not heard me for `dead_after`. It is no evidence
 * of life; but what it says about being active supersedes what was heard before.
 */
export function hearDeafPeer(turn: Turn, says: HeartbeatPayload): void {
  obeyTerm(turn, says);
  if (says.role !== "active") return;
  turn.set({ deafClaim: { term: says.lastActiveTerm, atMs: turn.now } });
  if (turn.state.peer?.says.role !== "standby") return;
  turn.clear("peer");
  turn.set({ listeningSinceMs: turn.now });
}

/** A peer that cannot hear me says that it is active, in a term not below my last. */
export function isClaimedByDeafPeer(state: State, nowMs: number): boolean {
  const { deafClaim, lastActiveTerm, settings } = state;
  if (deafClaim === undefined || deafClaim.term < lastActiveTerm) return false;
  return nowMs - deafClaim.atMs < CLAIM_INTERVALS * settings.intervalMs;
}

/** The last that came of the peer, on either path, is that it is active, though it could not hear me. */
export function isClaimLast({ deafClaim, session }: State): boolean {
  if (deafClaim === undefined) return false;
  return PATHS.every((path) => (session.paths[path].seenAtMs ?? -Infinity) <= deafClaim.atMs);
}

export function addClaimDeadline(soonest: Soonest, { deafClaim, settings }: State): void {
  if (deafClaim !== undefined) soonest.add(deafClaim.atMs + CLAIM_INTERVALS * settings.intervalMs);
}
