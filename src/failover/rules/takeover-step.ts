/** A program as a step of a takeover: it moves what is not in this machine's kernel, such as a cloud's address. */
import { CAUSE_AGE_MS } from "../machine/history.ts";
import { STEP_SLACK_MS } from "../machine/settings.ts";
import type { Soonest } from "../machine/soonest.ts";
import type { State } from "../machine/state.ts";
import type { Turn } from "../machine/turn.ts";

/** Starts the program; one that takes over waits for it. */
export function startStep(turn: Turn): void {
  const { nextNumber: hook, phase, trail } = turn.state;
  turn.set({ nextNumber: hook + 1, step: { hook, sinceMs: turn.now } });
  if (phase.kind === "taking") turn.set({ phase: { kind: "taking", taking: { ...phase.taking, hook } } });
  turn.cause("step", "the program of [hooks] takeover begins");
  const causes = trail.filter((cause) => turn.now - cause.atMs <= CAUSE_AGE_MS);
  turn.emit({ kind: "run-hook", hook, name: "takeover", causes });
}

/** When the program is taken for failed although nobody has said so. */
export function stepLimitMs({ step, settings }: State): number | undefined {
  if (step === undefined) return undefined;
  return step.sinceMs + (settings.takeoverStep?.limitMs ?? 0) + STEP_SLACK_MS;
}

/** The peer has begun to take over, or was active as well: what its program did is to be undone if this router stays. */
export function wantReclaim(turn: Turn): void {
  if (turn.state.settings.takeoverStep !== undefined) turn.set({ reclaimAtMs: turn.now });
}

/** The active, once the peer has given up what it had begun and its program runs no longer: the program again, here. */
export function judgeReclaim(turn: Turn): void {
  const { phase, peer, reclaimAtMs, settings, step, move } = turn.state;
  if (reclaimAtMs === undefined || turn.now < reclaimAtMs || phase.kind !== "active") return;
  if (step !== undefined || move !== undefined) return;
  if (peer?.says.stepping === true && turn.now - peer.heardAtMs < settings.deadAfterMs) return;
  turn.clear("reclaimAtMs");
  startStep(turn);
}

export function addStepDeadlines(soonest: Soonest, state: State): void {
  soonest.add(stepLimitMs(state));
  soonest.add(state.reclaimAtMs);
}
