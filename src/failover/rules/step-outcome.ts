/** What came of the program that is a step of a takeover. */

import type { Turn } from "../machine/turn.ts";
import { noteRefusal } from "./effect-outcomes.ts";
import { abortTaking, judgeTaking } from "./role.ts";
import { stepLimitMs } from "./takeover-step.ts";

/** An active's program that failed is run again after this. */
const RECLAIM_AGAIN_MS = 1_000;

/** A hook has ended; of one that is no step only a failure is told. */
export function onHookDone(turn: Turn, hook: number, ok: boolean, detail: string): void {
  if (!ok) turn.notice("error", "hook-failed", `hook ${hook} failed: ${detail}`);
  if (turn.state.step?.hook === hook) endStep(turn, hook, ok);
}

/** Neither done nor failed for too long. */
export function judgeStep(turn: Turn): void {
  const { step } = turn.state;
  const limitMs = stepLimitMs(turn.state);
  if (step !== undefined && limitMs !== undefined && turn.now >= limitMs) {
    onHookDone(turn, step.hook, false, "it did not end in time");
  }
}

function endStep(turn: Turn, hook: number, ok: boolean): void {
  const { phase, settings } = turn.state;
  turn.clear("step");
  turn.tell = true;
  if (phase.kind === "active" && !ok) turn.set({ reclaimAtMs: turn.now + RECLAIM_AGAIN_MS });
  if (phase.kind !== "taking" || phase.taking.hook !== hook) return;
  if (!ok && settings.takeoverStep?.onFailure === "abort") {
    abortTaking(turn, "the program of [hooks] takeover failed");
    noteRefusal(turn);
    return;
  }
  turn.cause("stepped", ok ? "that program has done its work" : "that program failed: the takeover goes on without it");
  turn.set({ phase: { kind: "taking", taking: { ...phase.taking, stepped: true } } });
  judgeTaking(turn);
}
