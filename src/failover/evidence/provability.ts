/**
 * Whether the answers of the peer's kernel prove anything (rule 18), tried while its heartbeats say what it has: a VIP that
 * it holds and does not answer for, or answers for without holding it, is evidence of nothing.
 */
import { sameAddress } from "../../model/address.ts";
import type { Vip } from "../../model/vip.ts";
import { sidesOf } from "../machine/interfaces.ts";
import { vipKey } from "../machine/lease.ts";
import type { SidedVip } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { Calibration, State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";
import { unfitness } from "./fitness.ts";
import { isPeerAlive, peerFitness } from "./peer.ts";
import { questionFor } from "./questions.ts";

/** A trial of some VIPs begins this often. */
const TRIAL_EVERY_MS = 10_000;
/** One of some VIPs, so that very many cause no storm; the next trial takes the next ones. */
const TRIAL_VIPS = 16;
/** Each is asked so often, this far apart, before its silence counts. */
const ATTEMPTS = 3;
const ATTEMPT_GAP_MS = 100;

export function noCalibration(nowMs: number): Calibration {
  return { dueAtMs: nowMs + TRIAL_EVERY_MS, from: 0, unprovable: new Map() };
}

/** What the peer's heartbeat says of this VIP; undefined: it does not list it. */
function heldThere({ peer }: State, vip: Vip): boolean | undefined {
  return peer?.says.vips.find((report) => sameAddress(report.address, vip.prefix.address))?.held;
}

/** Frames pass both ways on the interface of this VIP, as far as either router knows. */
function isReachable(state: State, sided: SidedVip, nowMs: number): boolean {
  if (unfitness(state, sided, nowMs) !== undefined) return false;
  const sides = sidesOf(state, sided);
  if (peerFitness(state, sided.vip)?.unfit !== undefined) return false;
  return sides.every((side) => state.pathsUp[side]);
}

/** The active holds all, the standby nothing: at any other time what is held changes while it is asked for. */
function isQuiet(state: State, nowMs: number): boolean {
  const { phase, peer, move, acceptance } = state;
  if (peer === undefined || !isPeerAlive(state, nowMs) || move !== undefined || acceptance !== undefined) return false;
  if (phase.kind === "active") return peer.says.role === "standby" && !peer.says.holding;
  return phase.kind === "standby" && peer.says.role === "active" && peer.says.leaseAgeMs === undefined;
}

function begin(turn: Turn): void {
  const { calibration, settings } = turn.state;
  const dueAtMs = turn.now + TRIAL_EVERY_MS;
  const ordered = [...settings.vips.slice(calibration.from), ...settings.vips.slice(0, calibration.from)];
  const chosen = ordered
    .slice(0, TRIAL_VIPS)
    .filter((sided) => heldThere(turn.state, sided.vip) !== undefined && isReachable(turn.state, sided, turn.now));
  const from = settings.vips.length === 0 ? 0 : (calibration.from + TRIAL_VIPS) % settings.vips.length;
  const open = chosen.map(({ vip }) => vipKey(vip));
  const { trial: _, ...rest } = calibration;
  if (open.length === 0) turn.set({ calibration: { ...rest, dueAtMs, from } });
  else ask(turn, { ...rest, dueAtMs, from, trial: { sinceMs: turn.now, attempt: 0, askedAtMs: turn.now, open } });
}

function ask(turn: Turn, calibration: Calibration): void {
  const { trial } = calibration;
  if (trial === undefined) return;
  const vips = turn.state.settings.vips.map(({ vip }) => vip).filter((vip) => trial.open.includes(vipKey(vip)));
  const attempt = trial.attempt + 1;
  turn.set({ calibration: { ...calibration, trial: { ...trial, attempt, askedAtMs: turn.now } } });
  turn.emit({ kind: "ask-owner", attempt, questions: vips.map((vip) => questionFor(turn.state, vip)), peer: [] });
}

/** Begins and leads the trials. */
export function judgeProvability(turn: Turn): void {
  const { calibration, settings } = turn.state;
  const { trial } = calibration;
  const known = new Set(settings.vips.map(({ vip }) => vipKey(vip)));
  if ([...calibration.unprovable.keys()].some((key) => !known.has(key))) {
    const unprovable = new Map([...calibration.unprovable].filter(([key]) => known.has(key)));
    turn.set({ calibration: { ...calibration, unprovable } });
  }
  if (!isQuiet(turn.state, turn.now)) {
    if (trial === undefined && turn.now < calibration.dueAtMs) return;
    const { trial: _, ...rest } = turn.state.calibration;
    turn.set({ calibration: { ...rest, dueAtMs: turn.now + TRIAL_EVERY_MS } });
  } else if (trial === undefined) {
    if (turn.now >= calibration.dueAtMs) begin(turn);
  } else if (turn.now >= trial.askedAtMs + ATTEMPT_GAP_MS) {
    if (trial.attempt < ATTEMPTS) ask(turn, turn.state.calibration);
    else end(turn, trial.open);
  }
}

/** Those that stayed without an answer: right for what the peer does not hold. */
function end(turn: Turn, open: readonly string[]): void {
  const { trial, ...rest } = turn.state.calibration;
  turn.set({ calibration: rest });
  for (const sided of turn.state.settings.vips.filter(({ vip }) => open.includes(vipKey(vip)))) {
    const isHeld = heldThere(turn.state, sided.vip) === true;
    // Frames that stopped while it was asked are no silence of its kernel.
    if (isHeld && !isHeardSince(turn.state, sided, trial?.sinceMs ?? turn.now)) continue;
    conclude(turn, sided.vip, isHeld ? "silent" : undefined);
  }
}

/** The path of this VIP's interface has been heard both ways since. */
function isHeardSince(state: State, sided: SidedVip, sinceMs: number): boolean {
  return sidesOf(state, sided).every((side) => (state.session.paths[side].bothWaysAtMs ?? -Infinity) >= sinceMs);
}

/** The peer's kernel answered for a VIP that is being tried. */
export function noteTrialAnswer(turn: Turn, vip: Vip): void {
  const { calibration } = turn.state;
  const { trial } = calibration;
  const key = vipKey(vip);
  if (trial === undefined || !trial.open.includes(key) || !isQuiet(turn.state, turn.now)) return;
  turn.set({ calibration: { ...calibration, trial: { ...trial, open: trial.open.filter((other) => other !== key) } } });
  conclude(turn, vip, heldThere(turn.state, vip) === true ? undefined : "answers");
}

function conclude(turn: Turn, vip: Vip, finding: "silent" | "answers" | undefined): void {
  const { calibration } = turn.state;
  const key = vipKey(vip);
  if (calibration.unprovable.get(key) === finding) return;
  const unprovable = new Map(calibration.unprovable);
  if (finding === undefined) unprovable.delete(key);
  else unprovable.set(key, finding);
  turn.set({ calibration: { ...calibration, unprovable } });
  const address = vip.prefix.address.text;
  if (finding === undefined) turn.notice("info", "provable", `the peer's kernel answers for ${address} as it should`);
  else {
    const how =
      finding === "silent"
        ? "does not answer for it though the peer has it"
        : "answers for it though the peer does not have it";
    turn.notice("warn", "unprovable", `${address} on ${vip.interface} cannot be proven: the peer's kernel ${how}`);
  }
}

export function addProvabilityDeadline(soonest: Soonest, { calibration }: State): void {
  const { trial, dueAtMs } = calibration;
  soonest.add(trial === undefined ? dueAtMs : trial.askedAtMs + ATTEMPT_GAP_MS);
}
