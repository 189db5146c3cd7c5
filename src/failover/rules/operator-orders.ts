/** Operators' commands: each gets exactly one answer, at once or when its outcome is known. */
import { compare } from "../evidence/comparison.ts";
import { isPeerAlive, silentSinceMs } from "../evidence/peer.ts";
import { order } from "../evidence/shared-orders.ts";
import type { OperatorCommand } from "../machine/failover-input.ts";
import { MOVE_LIMIT_MS } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { Move, State, Wish } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { isPeerSpeaking } from "./owner-watch.ts";
import { startMove } from "./planned-move.ts";
import { isClaimedByDeafPeer } from "./rivals.ts";
import { becomeStandby, startTaking } from "./role.ts";

/** `take --force` asks a living active first, for this long. */
const FORCE_AFTER_MS = 2_000;

export function onOperator(turn: Turn, id: number, command: OperatorCommand): void {
  const { phase, stopping } = turn.state;
  if (command.kind === "hold" || command.kind === "unhold") {
    onHold(turn, id, command.kind === "hold");
  } else if (stopping !== undefined || phase.kind === "stopped") {
    answer(turn, id, false, "this router is stopping");
  } else if (phase.kind === "active") {
    onActive(turn, id, command);
  } else if (command.kind === "release") {
    onReleaseAtStandby(turn, id);
  } else wishFor(turn, id, command.kind === "take" && command.force);
}

function answer(turn: Turn, id: number, ok: boolean, text: string): void {
  turn.emit({ kind: "answer", id, ok, text });
}

function onHold(turn: Turn, id: number, hold: boolean): void {
  order(turn, [{ kind: "hold", held: hold }]);
  turn.persist();
  answer(turn, id, true, hold ? "automatic fail-back is held" : "automatic fail-back is allowed");
}

/** An operator does not wait for a fail-back that waits itself: the move becomes the operator's. */
function isUnderWay(move: Move | undefined): boolean {
  return move !== undefined && (move.reason !== "failback" || move.offeredAtMs !== undefined);
}

function onActive(turn: Turn, id: number, command: OperatorCommand): void {
  if (command.kind === "take") answer(turn, id, true, "this router is active already");
  else if (isUnderWay(turn.state.move)) answer(turn, id, false, "a planned move is under way already");
  else if (isPeerAlive(turn.state, turn.now)) moveForOperator(turn, id);
  else if (command.kind === "switch") answer(turn, id, false, "the peer is not heard: nobody could take over");
  else {
    turn.cause("operator", "an operator released this router");
    setAbstaining(turn, true);
    becomeStandby(turn, "released");
    answer(turn, id, true, "released: no router is active now, and this one takes nothing until `take`");
  }
}

/** A peer that is the worse place will not be ready however long it is waited for. */
function moveForOperator(turn: Turn, id: number): void {
  const comparison = compare(turn.state, turn.now);
  if (comparison.better !== "here") startMove(turn, "operator", { operator: id });
  else answer(turn, id, false, `the peer is the worse place for the VIPs: ${comparison.text}`);
}

/** What an operator wants of this router outlives its process. */
function setAbstaining(turn: Turn, abstaining: boolean): void {
  if (turn.state.abstaining === abstaining) return;
  turn.set({ abstaining });
  turn.persist();
}

/** A release lasts until the VIPs are served again: then this router is what the peer falls back to. */
export function endRelease(turn: Turn): void {
  if (turn.state.abstaining)
    turn.notice("info", "release-over", "the peer is active: the release of this router is over");
  setAbstaining(turn, false);
}

/** With an active peer there is nothing to release, and nothing to forbid: a standby takes over when that fails. */
function onReleaseAtStandby(turn: Turn, id: number): void {
  if (isPeerAlive(turn.state, turn.now) && turn.state.peer?.says.role === "active") {
    answer(turn, id, true, "this router is standby already; to keep it from taking over, stop its daemon");
    return;
  }
  setAbstaining(turn, true);
  turn.tell = true;
  answer(turn, id, true, "released: this router takes nothing by itself until `take`");
}

/** At the standby: the active is asked for the role, or, being silent, it is waited for as ever. */
function wishFor(turn: Turn, id: number, force: boolean): void {
  const { wish } = turn.state;
  setAbstaining(turn, false);
  if (wish !== undefined) {
    answer(turn, id, false, "another command waits for the role already");
    return;
  }
  const alive = isPeerAlive(turn.state, turn.now);
  turn.cause("operator", force ? "an operator takes the role by force" : "an operator asks for the role");
  const hopeless = force ? undefined : unheardPeer(turn.state, turn.now);
  if (hopeless !== undefined) {
    answer(turn, id, false, hopeless);
    return;
  }
  const comparison = alive && !force ? compare(turn.state, turn.now) : undefined;
  if (comparison?.better === "there" && turn.state.peer?.says.role === "active") {
    const text = `this router is the worse place for the VIPs: ${comparison.why.text}; \`take --force\` takes them all the same`;
    answer(turn, id, false, text);
    return;
  }
  const wishId = Number.parseInt(turn.draw(8), 16);
  const forceAtMs = alive ? turn.now + FORCE_AFTER_MS : turn.now;
  turn.set({ wish: { id: wishId, operator: id, sinceMs: turn.now, ...(force ? { forceAtMs } : {}) } });
  turn.tell = true;
  judgeWish(turn);
}

/**
 * A peer that is not heard both ways cannot be asked for the VIPs, and gives them up by itself neither while its daemon or
 * its kernel goes on. Undefined: it is heard, or it may be dead, and then the VIPs are taken as soon as that is known.
 */
function unheardPeer(state: State, nowMs: number): string | undefined {
  if (isPeerAlive(state, nowMs)) return undefined;
  const force = "`take --force` takes them all the same";
  const filtered = "heartbeats are filtered, or the routers have different keys";
  if (state.query?.standoff === true) {
    return `the peer is silent, but its kernel still answers for the VIPs (standing off): ${filtered}; ${force}`;
  }
  if (isClaimedByDeafPeer(state, nowMs)) {
    return `the peer is active and does not hear this router: ${filtered} on the way there; ${force}`;
  }
  // Frames that went on for long after the last that counted are no remainder of a peer that has just died.
  const isLate = (state.peerFrameAtMs ?? -Infinity) >= silentSinceMs(state) + state.settings.deadAfterMs;
  const isSpeaking = isLate && isPeerSpeaking(state, nowMs);
  return isSpeaking ? `the peer sends heartbeats that do not count here: ${filtered}; ${force}` : undefined;
}

/** Fulfils the wish, gives it up, or takes by force when its time has come. */
export function judgeWish(turn: Turn): void {
  const { wish, phase, peer } = turn.state;
  if (wish === undefined) return;
  const word = peer?.says.agreement;
  const isAsked = phase.kind === "standby" && wish.forceAtMs === undefined;
  const hopeless = isAsked ? unheardPeer(turn.state, turn.now) : undefined;
  if (phase.kind === "active") endWish(turn, true, tookText(turn.state, wish, turn.now));
  else if (word?.step === "cancel" && word.id === wish.id) endWish(turn, false, "the active could not hand over");
  else if (hopeless !== undefined) endWish(turn, false, hopeless);
  else if (turn.now >= wish.sinceMs + MOVE_LIMIT_MS) endWish(turn, false, "the active did not hand over in time");
  else if (wish.forceAtMs !== undefined && turn.now >= wish.forceAtMs && phase.kind === "standby") {
    startTaking(turn, "operator", true);
  }
}

function tookText({ acceptance }: State, { sinceMs }: Wish, nowMs: number): string {
  const text = `this router is active, ${Math.round(nowMs - sinceMs)} ms after it was asked`;
  // Who was offered the VIPs has them while the other one still does.
  return acceptance === undefined ? text : `${text}; no gap: the peer drops the VIPs only now`;
}

function endWish(turn: Turn, ok: boolean, text: string): void {
  const { wish } = turn.state;
  if (wish === undefined) return;
  turn.clear("wish");
  answer(turn, wish.operator, ok, text);
}

/** At the active: the standby asks for the role on behalf of its operator. */
export function hearRequest(turn: Turn): void {
  const { phase, peer, move, stopping, lastWord } = turn.state;
  const word = peer?.says.agreement;
  if (lastWord !== undefined && lastWord.word.id === word?.id) return;
  if (phase.kind !== "active" || word?.step !== "request" || isUnderWay(move) || stopping !== undefined) return;
  if (peer?.says.role !== "standby") return;
  startMove(turn, "operator", { id: word.id });
}

export function addWishDeadlines(soonest: Soonest, { wish }: State): void {
  if (wish === undefined) return;
  soonest.add(wish.sinceMs + MOVE_LIMIT_MS);
  soonest.add(wish.forceAtMs);
}
