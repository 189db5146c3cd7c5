/**
 * One router's failover machine: the only entry to this folder besides the types. Pure: time is passed in, effects are
 * data, and what becomes of them comes back as inputs. README.md in this folder has the rules by number.
 */
import type { SharedEntry } from "../model/shared-entry.ts";
import { hearSettings, onSettingDigests } from "./evidence/config-drift.ts";
import { addConflictDeadlines, judgeConflicts } from "./evidence/conflict.ts";
import { onGates } from "./evidence/gate-evidence.ts";
import { addPeerDeadlines, hear, hearOlder, isOlder, judgePaths, onPeerFrame } from "./evidence/peer.ts";
import { addProvabilityDeadline, judgeProvability, noCalibration } from "./evidence/provability.ts";
import { addViewsDeadlines, hearViews, judgeViews, onViews } from "./evidence/service-views.ts";
import { hearShared, isHeld, order, restoreShared, tellOrders } from "./evidence/shared-orders.ts";
import { evidenceWindowMs, onCarrier } from "./evidence/side-evidence.ts";
import { hearStrays, onStrayFrame } from "./evidence/strays.ts";
import { hearConnections } from "./evidence/sync-warmth.ts";
import { addTwinDeadline, onTwin } from "./evidence/twin.ts";
import { checkInvariants } from "./failover-invariants.ts";
import type { Effect, StoredState } from "./machine/effect.ts";
import type { Input } from "./machine/failover-input.ts";
import {
  addRenewalStuckDeadline,
  judgeRemovalRetry,
  judgeRenewal,
  NO_ADDRESSES,
  onRemoveOutcome,
} from "./machine/lease.ts";
import { drawHex } from "./machine/seeded-random.ts";
import { countRefusal, createSession, judgePacket } from "./machine/session.ts";
import { type FailoverSettings, TERM_LIMIT, timingOf } from "./machine/settings.ts";
import { Soonest } from "./machine/soonest.ts";
import type { Side, State } from "./machine/state.ts";
import { Turn } from "./machine/turn.ts";
import { addAnnounceDeadlines, judgeAnnouncing, judgeVerification, onVerifyAnswer } from "./rules/announce.ts";
import { addAutomaticDeadlines, judgeAlone, judgeAutomaticMoves } from "./rules/automatic-move.ts";
import { addLapseDeadlines, judgeLapse, onAddressRemoved, onLeaseOutcome } from "./rules/effect-outcomes.ts";
import { addForeignDeadline, NOTHING_FOREIGN, noteForeignRemoved, onForeignVips } from "./rules/foreign-addresses.ts";
import { answerHello, finishHeartbeats, heartbeatDeadline } from "./rules/heartbeats.ts";
import { addAcceptanceDeadlines, hearOffer, judgeAcceptance } from "./rules/offer-acceptance.ts";
import { addWishDeadlines, endRelease, hearRequest, judgeWish, onOperator } from "./rules/operator-orders.ts";
import { onOwnerAnswer, onPeerAnswer } from "./rules/owner-query.ts";
import { addOwnerWatchDeadline, judgeOwnerWatch } from "./rules/owner-watch.ts";
import { addMoveDeadlines, hearOfMove, judgeMove } from "./rules/planned-move.ts";
import { addRefusedDeadlines, judgeRefused } from "./rules/refusals.ts";
import { onReload } from "./rules/reloaded-settings.ts";
import { addClaimDeadline, hearDeafPeer, judgeRival, obeyTerm, withinTermLimit } from "./rules/rivals.ts";
import { judgeTaking, settleBalancing } from "./rules/role.ts";
import { judgeStarting, NOT_STARTED, onStart } from "./rules/start.ts";
import { judgeStep, onHookDone } from "./rules/step-outcome.ts";
import { addStopDeadlines, judgeStopping, onStop } from "./rules/stop.ts";
import { onIpvs, onOwnMacs, onSurroundings, onThirdEvidence } from "./rules/surroundings-rule.ts";
import { addTakeoverDeadlines, judgeStandby } from "./rules/takeover.ts";
import { addStepDeadlines, judgeReclaim } from "./rules/takeover-step.ts";

export interface Boot {
  readonly settings: FailoverSettings;
  /** What `persist` last wrote; absent at the very first start. */
  readonly stored?: StoredState;
  /** What `persist-shared` last wrote; absent: nothing was ever ordered here. */
  readonly shared?: readonly SharedEntry[];
  /** 64 hexadecimal digits from the system's random source: nonces, boot id and agreement ids come from it. */
  readonly seed: string;
  readonly nowMs: number;
}

export interface StepResult {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** The state of a router that has just started; its first input is `start`. */
export function createState(boot: Boot): State {
  const { settings, stored, seed, nowMs } = boot;
  const shared = restoreShared(boot.shared ?? []);
  const side: Side = { carrier: false, carrierSinceMs: nowMs, askable: false };
  return {
    settings,
    timing: timingOf(settings),
    startedAtMs: nowMs,
    seed,
    drawn: 2,
    session: createSession(
      settings.router,
      settings.pairId,
      drawHex(seed, 0).slice(0, 16),
      drawHex(seed, 1).slice(0, 32),
    ),
    thirdEvidence: new Map(),
    routesHad: [],
    gates: [],
    linkSinceMs: new Map(),
    refused: new Map(),
    foreign: NOTHING_FOREIGN,
    calibration: noCalibration(nowMs),
    proven: false,
    yielding: false,
    confirmations: new Map(),
    conflicts: [],
    peerMacs: new Map((stored?.peerMacs ?? []).map((entry) => [entry.interface, entry.mac])),
    ownMacs: new Map(),
    sides: { public: side, private: side },
    pathsUp: { public: false, private: false },
    listeningSinceMs: nowMs,
    graceUntilMs: nowMs,
    awakeSinceMs: nowMs,
    // No tenure was in a term above the highest known, whatever the file says.
    term: Math.min(TERM_LIMIT, Math.max(stored?.term ?? 0, stored?.lastActiveTerm ?? 0)),
    lastActiveTerm: Math.min(TERM_LIMIT, stored?.lastActiveTerm ?? 0),
    shared,
    hold: isHeld(shared),
    abstaining: stored?.abstaining ?? false,
    phase: NOT_STARTED,
    addresses: NO_ADDRESSES,
    rival: false,
    views: [],
    peerViews: [],
    sendNumber: 0,
    refusals: 0,
    failback: { stableMs: stored?.failbackStableMs ?? settings.failbackStableMs },
    tickedAtMs: -Infinity,
    dueAtMs: nowMs,
    aloneWarned: false,
    nextNumber: 1,
    trail: [],
    history: [],
  };
}

/**
 * Takes one input at `nowMs` (monotonic) and says what follows from it.
 * @throws InvariantError where the code itself is wrong; nothing else.
 */
export function step(state: State, input: Input, nowMs: number): StepResult {
  const turn = new Turn(state, nowMs);
  const slept = noteSleep(turn);
  // A higher term heard comes before anything else; then what was slept over; then the clock.
  if (input.kind !== "tick") take(turn, input);
  if (slept) judgeLapse(turn, true);
  if (input.kind === "tick") take(turn, input);
  settleBalancing(turn, state);
  finishHeartbeats(turn, input.kind === "tick");
  // Any input may have brought something to judge: a tick is due at once.
  const dueAtMs = input.kind === "tick" ? soonestDeadline(turn.state) : Math.min(turn.state.dueAtMs, nowMs);
  turn.set({ dueAtMs });
  checkInvariants(state, turn.state, input, nowMs);
  return { state: turn.state, effects: turn.effects };
}

/** This many late wakes in a row, and `dead_after`, without a word of the peer are no sleep: this loop is always late. */
const GRACED_WAKES = 3;
/** For this many windows of evidence a loop that is late again and again passes for one that slept. */
const GRACED_WINDOWS = 3;

/**
 * Rule 7: a loop that wakes late was asleep, not the peer. Nothing is concluded from the time it did not listen. A loop
 * that is late every time listens all the same, since each turn reads what waits before it judges.
 */
function noteSleep(turn: Turn): boolean {
  const { state } = turn;
  const lateMs = turn.now - state.dueAtMs;
  if (lateMs < state.timing.sleptMs) return false;
  const { sinceMs = turn.now, count = 0 } = state.lateWakes ?? {};
  turn.set({ dueAtMs: turn.now, lateWakes: { sinceMs, count: count + 1 } });
  noteLateTime(turn);
  if (count < GRACED_WAKES || turn.now < sinceMs + state.settings.deadAfterMs) grantGrace(turn);
  const text = `this process woke ${Math.round(lateMs)} ms late`;
  if (lateMs >= state.settings.deadAfterMs) turn.notice("warn", "slept", text);
  else turn.cause("slept", text);
  return true;
}

/** A side is not called blind for what a sleep hid; but a loop that is late all the time is not asleep all the time. */
function noteLateTime(turn: Turn): void {
  const { lateTime, settings } = turn.state;
  const windowMs = evidenceWindowMs(settings);
  const isOn = lateTime !== undefined && turn.now - lateTime.lastMs < windowMs;
  const sinceMs = isOn ? lateTime.sinceMs : turn.now;
  turn.set({ lateTime: { sinceMs, lastMs: turn.now } });
  if (turn.now - sinceMs < GRACED_WINDOWS * windowMs) turn.set({ awakeSinceMs: turn.now });
}

function grantGrace(turn: Turn): void {
  const { settings, graceUntilMs, query } = turn.state;
  turn.set({ graceUntilMs: Math.max(turn.now + 1.5 * settings.intervalMs, graceUntilMs) });
  if (query !== undefined) turn.set({ query: { ...query, unanswered: 0 } });
}

type InputOf<K extends Input["kind"]> = Extract<Input, { kind: K }>;

const TAKE: { readonly [K in Input["kind"]]: (turn: Turn, input: InputOf<K>) => void } = {
  start: (turn, input) => {
    tellOrders(turn);
    onStart(turn, input.adoptable);
  },
  tick: judge,
  heartbeat: onHeartbeat,
  "packet-refused": (turn, { path, reason, count }) =>
    turn.set({ session: countRefusal(turn.state.session, path, reason, turn.now, count) }),
  carrier: (turn, input) => onCarrier(turn, input.side, input.up),
  evidence: onEvidence,
  "own-macs": (turn, input) => onOwnMacs(turn, input.macs),
  "owner-answer": onOwnerAnswer,
  "peer-answer": (turn, input) => onPeerAnswer(turn, input.side, input.mac),
  "peer-frame": onPeerFrame,
  twin: (turn, input) => onTwin(turn, input.side, input.mac),
  surroundings: (turn, input) => onSurroundings(turn, input.surroundings),
  "interface-evidence": (turn, { interface: name, askable, lastFrameAtMs, lastNeighbourAtMs }) =>
    onThirdEvidence(turn, name, {
      askable,
      ...(lastFrameAtMs === undefined ? {} : { lastFrameAtMs }),
      ...(lastNeighbourAtMs === undefined ? {} : { lastNeighbourAtMs }),
    }),
  "foreign-vips": (turn, input) => onForeignVips(turn, input.found),
  ipvs: (turn, input) => onIpvs(turn, input.missing),
  gates: (turn, input) => onGates(turn, input.gates),
  "lease-outcome": (turn, input) => onLeaseOutcome(turn, input.batch, input.results),
  "remove-outcome": (turn, input) => {
    onRemoveOutcome(turn, input.batch, input.results);
    noteForeignRemoved(turn, input.results);
  },
  "address-removed": (turn, input) => onAddressRemoved(turn, input.vip),
  "stray-frame": onStrayFrame,
  "verify-answer": onVerifyAnswer,
  table: (turn, input) => turn.set({ table: input.table }),
  warmth: (turn, { warmth, toldFor }) => {
    turn.clear("warmth", "toldFor");
    if (warmth !== undefined) turn.set({ warmth, ...(toldFor === undefined ? {} : { toldFor }) });
  },
  ordered: (turn, input) => order(turn, input.subjects),
  views: (turn, input) => onViews(turn, input.sights),
  "setting-digests": onSettingDigests,
  operator: (turn, input) => onOperator(turn, input.id, input.command),
  stop: onStop,
  reload: (turn, input) => onReload(turn, input.settings),
  "hook-done": (turn, input) => onHookDone(turn, input.hook, input.ok, input.detail),
};

function take<K extends Input["kind"]>(turn: Turn, input: InputOf<K>): void {
  // The compiler does not see that the table's entry fits its own key.
  const handle = TAKE[input.kind] as (turn: Turn, input: InputOf<K>) => void;
  handle(turn, input);
}

function onEvidence(turn: Turn, input: InputOf<"evidence">): void {
  const before = turn.state.sides[input.side];
  const { lastFrameAtMs = before.lastFrameAtMs, lastNeighbourAtMs = before.lastNeighbourAtMs } = input;
  const side: Side = {
    carrier: before.carrier,
    carrierSinceMs: before.carrierSinceMs,
    askable: input.askable,
    ...(lastFrameAtMs === undefined ? {} : { lastFrameAtMs }),
    ...(lastNeighbourAtMs === undefined ? {} : { lastNeighbourAtMs }),
  };
  turn.set({ sides: { ...turn.state.sides, [input.side]: side } });
}

function onHeartbeat(turn: Turn, input: InputOf<"heartbeat">): void {
  const { path } = input;
  const heartbeat = withinTermLimit(input.heartbeat);
  const times = { nowMs: turn.now, deadAfterMs: turn.state.settings.deadAfterMs };
  const { session, judgement } = judgePacket(turn.state.session, path, heartbeat, times, () => turn.draw(32));
  turn.set({ session });
  if (!judgement.counts) {
    if (judgement.reason === "stale-echo") {
      // Its counter was new. That the peer does not hear this router is no sign of its death.
      onPeerFrame(turn, { path, atMs: turn.now });
      if (!isOlder(turn.state, heartbeat)) hearDeafPeer(turn, heartbeat.payload);
    }
    if (judgement.answerNonce !== undefined) {
      answerHello(turn, path, { nonce: judgement.answerNonce, counter: heartbeat.counter });
    }
    return;
  }
  hearShared(turn, heartbeat.payload.shared);
  hearConnections(turn, heartbeat.payload);
  if (!judgement.newBoot && isOlder(turn.state, heartbeat)) {
    hearOlder(turn);
    return;
  }
  obeyTerm(turn, heartbeat.payload);
  // A nonce was drawn for it: until the peer knows that, nothing it says counts.
  if (judgement.newBoot) turn.tell = true;
  hear(turn, heartbeat, judgement.newBoot);
  hearViews(turn, heartbeat.payload.views);
  hearSettings(turn, heartbeat.payload, judgement.newBoot);
  hearStrays(turn);
  judgeRival(turn);
  if (heartbeat.payload.role === "active") endRelease(turn);
  hearRequest(turn);
  hearOfMove(turn);
  hearOffer(turn);
}

/** All that depends on time, in an order in which each finds what the one before decided. */
function judge(turn: Turn): void {
  judgeRenewal(turn);
  judgeLapse(turn, false);
  judgeStarting(turn);
  judgePaths(turn);
  judgeRemovalRetry(turn);
  judgeRefused(turn);
  judgeAlone(turn);
  judgeOwnerWatch(turn);
  judgeProvability(turn);
  judgeConflicts(turn);
  judgeViews(turn);
  judgeAutomaticMoves(turn);
  judgeMove(turn);
  judgeStopping(turn);
  judgeWish(turn);
  judgeStandby(turn);
  judgeStep(turn);
  judgeTaking(turn);
  judgeReclaim(turn);
  judgeAnnouncing(turn);
  judgeVerification(turn);
  judgeAcceptance(turn);
  forgetWord(turn);
  turn.set({ tickedAtMs: turn.now });
}

function forgetWord(turn: Turn): void {
  const { lastWord } = turn.state;
  if (lastWord !== undefined && turn.now >= lastWord.untilMs) turn.clear("lastWord");
}

/** When the next `tick` is due at the latest; undefined once the machine has exited. */
export function nextDeadline(state: State): number | undefined {
  return state.phase.kind === "stopped" ? undefined : state.dueAtMs;
}

/** After a tick: the soonest of all deadlines that lie after it, since what was due up to it has been judged. */
function soonestDeadline(state: State): number {
  const { phase, addresses } = state;
  const soonest = new Soonest(state.tickedAtMs);
  soonest.add(heartbeatDeadline(state));
  soonest.add(state.graceUntilMs);
  if (phase.kind === "starting") soonest.add(phase.untilMs);
  if (phase.kind === "taking") soonest.add(phase.taking.tableUntilMs);
  soonest.add(addresses.retryRemovalAtMs);
  addLapseDeadlines(soonest, state);
  addPeerDeadlines(soonest, state);
  addTakeoverDeadlines(soonest, state);
  addClaimDeadline(soonest, state);
  addAutomaticDeadlines(soonest, state);
  addMoveDeadlines(soonest, state);
  addAcceptanceDeadlines(soonest, state);
  addWishDeadlines(soonest, state);
  addAnnounceDeadlines(soonest, state);
  addStopDeadlines(soonest, state);
  addStepDeadlines(soonest, state);
  addViewsDeadlines(soonest, state);
  addOwnerWatchDeadline(soonest, state);
  addProvabilityDeadline(soonest, state);
  addRefusedDeadlines(soonest, state);
  addForeignDeadline(soonest, state);
  addConflictDeadlines(soonest, state);
  addTwinDeadline(soonest, state);
  addRenewalStuckDeadline(soonest, state);
  return soonest.atMs;
}
