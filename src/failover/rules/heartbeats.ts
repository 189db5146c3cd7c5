/** What this router says in its heartbeats and when it sends them (rules 1 and 2). */
import { PATHS, type PathName } from "../../model/pair.ts";
import type { AgreementWord, HeartbeatPayload, VipReport } from "../../wire/heartbeat/heartbeat.ts";
import { settingsReport } from "../evidence/config-drift.ts";
import { fitnessReport } from "../evidence/fitness.ts";
import { viewsReport } from "../evidence/service-views.ts";
import { noteSharedSent, sharedReport } from "../evidence/shared-orders.ts";
import { sideReport } from "../evidence/side-evidence.ts";
import { isStrayTold } from "../evidence/strays.ts";
import { unreadiness } from "../evidence/takeover-readiness.ts";
import { isMuted } from "../evidence/twin.ts";
import { hasLapsed, isHolding, isRenewalStuck, reportedVips, vipKey } from "../machine/lease.ts";
import { mayAnswer, nextHead } from "../machine/session.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { isStarted } from "./start.ts";

/** The word of the planned move that this router leads or follows. */
export function agreementWord(state: State): AgreementWord | undefined {
  const { move, acceptance, wish, lastWord } = state;
  if (acceptance !== undefined) return acceptance.word;
  if (move?.offeredAtMs !== undefined) return { step: "offer", id: move.id, reason: move.reason };
  if (lastWord !== undefined) return lastWord.word;
  return wish === undefined ? undefined : { step: "request", id: wish.id, reason: "operator" };
}

function heardAges(state: State, nowMs: number): HeartbeatPayload["heardAgeMs"] {
  const ages: { [P in PathName]?: number } = {};
  for (const path of PATHS) {
    const at = state.session.paths[path].acceptedAtMs;
    if (at !== undefined) ages[path] = nowMs - at;
  }
  return ages;
}

function vipReports(state: State, nowMs: number): readonly VipReport[] {
  const { addresses, ownMacs } = state;
  const isLapsed = hasLapsed(state, nowMs);
  return reportedVips(state).map(({ vip }) => {
    const mac = ownMacs.get(vip.interface);
    return {
      address: vip.prefix.address,
      // What was not renewed for the length of its lease is not said to be there.
      held: addresses.possible.has(vipKey(vip)) && !isLapsed,
      ...(mac === undefined ? {} : { mac }),
    };
  });
}

/** The payload as it is true at `nowMs`. */
export function payloadOf(state: State, nowMs: number): HeartbeatPayload {
  const { settings, sides, table, warmth } = state;
  const agreement = agreementWord(state);
  const settingsOwn = settingsReport(state);
  const views = settingsOwn === undefined ? viewsReport(state) : undefined;
  const fitness = fitnessReport(state, nowMs);
  return {
    sendNumber: state.sendNumber,
    role: state.phase.kind === "active" ? "active" : "standby",
    term: state.term,
    lastActiveTerm: state.lastActiveTerm,
    ready: unreadiness(state, nowMs) === undefined,
    leaving: state.stopping !== undefined,
    hold: state.hold,
    abstaining: state.abstaining,
    // Until the kernel was read, an earlier process may have left VIPs there.
    holding: isHolding(state) || !isStarted(state) || state.step !== undefined,
    failback: settings.failback,
    heardAgeMs: heardAges(state, nowMs),
    sides: { public: sideReport(sides.public, nowMs), private: sideReport(sides.private, nowMs) },
    vips: vipReports(state, nowMs),
    vipCount: settings.vips.length,
    configFingerprint: settings.configFingerprint,
    software: settings.software,
    ...(agreement === undefined ? {} : { agreement }),
    ...(table === undefined ? {} : { table }),
    // A standby knows of none but of the tenure that it had.
    ...(warmth === undefined || state.phase.kind !== "active" ? {} : { warmth }),
    shared: sharedReport(state),
    ...(views === undefined ? {} : { views }),
    ...(settingsOwn === undefined ? {} : { settings: settingsOwn }),
    ...(isStrayTold(state, nowMs) ? { strays: true as const } : {}),
    ...(state.step === undefined ? {} : { stepping: true as const }),
    ...(fitness === undefined ? {} : { fitness }),
    ...(isRenewalStuck(state, nowMs) ? { leaseAgeMs: nowMs - (state.addresses.confirmedAtMs ?? nowMs) } : {}),
  };
}

function send(turn: Turn, path: PathName, echo?: { readonly nonce: string; readonly counter: number }): void {
  const { settings } = turn.state;
  const times = { nowMs: turn.now, deadAfterMs: settings.deadAfterMs };
  const { session, head } = nextHead(turn.state.session, path, times, echo);
  turn.set({ session });
  turn.emit({ kind: "send-heartbeat", path, heartbeat: { ...head, payload: payloadOf(turn.state, turn.now) } });
}

/** Sends one heartbeat on each path now. */
export function sendBoth(turn: Turn): void {
  turn.set({ sendNumber: turn.state.sendNumber + 1 });
  for (const path of PATHS) send(turn, path);
  noteSharedSent(turn);
  turn.set({ sentAtMs: turn.now });
}

/** Answers a hello by the way it came, so that its sender can prove itself; the pair's own rhythm is not touched. */
export function answerHello(
  turn: Turn,
  path: PathName,
  echo: { readonly nonce: string; readonly counter: number },
): void {
  if (isMuted(turn.state, turn.now)) return;
  const session = mayAnswer(turn.state.session, path, turn.now);
  if (session === undefined) return;
  turn.set({ session, sendNumber: turn.state.sendNumber + 1 });
  send(turn, path, echo);
}

/** Just started, or the peer was: the paths are up within some exchanges, and an interval is long to wait for each. */
function isMeeting({ startedAtMs, peer, pathsUp, sides, sentAtMs = 0, settings }: State): boolean {
  const sinceMs = Math.max(startedAtMs, peer?.sinceMs ?? startedAtMs);
  const isDown = (path: PathName) => sides[path].carrier && !pathsUp[path];
  return sentAtMs < sinceMs + 2 * settings.intervalMs && PATHS.some(isDown);
}

/** A planned move is being agreed on, or two routers meet: heartbeats come faster, so that a lost one costs little. */
function isHurried(state: State): boolean {
  const isAgreeing = state.acceptance !== undefined || state.move?.offeredAtMs !== undefined;
  return isAgreeing || state.wish !== undefined || isMeeting(state);
}

/** When the next heartbeat leaves. */
export function heartbeatDeadline(state: State): number {
  if (state.sentAtMs === undefined) return state.startedAtMs;
  return state.sentAtMs + (isHurried(state) ? state.timing.hurryMs : state.settings.intervalMs);
}

/** The last act of a step: heartbeats that are due, or at once where the peer must know. */
export function finishHeartbeats(turn: Turn, ticking: boolean): void {
  const { phase } = turn.state;
  if (phase.kind === "stopped" || isMuted(turn.state, turn.now)) return;
  if (turn.tell || (ticking && turn.now >= heartbeatDeadline(turn.state))) sendBoth(turn);
}
