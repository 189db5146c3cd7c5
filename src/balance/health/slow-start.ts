/** A recovered server gets its weight in this many steps, each of them one message to the kernel. */
export const SLOW_START_STEPS = 10;

export interface SlowStartWeight {
  readonly weight: number;
  /** When the weight rises next; absent: it is the full one. */
  readonly nextMs?: number;
}

/**
 * The part of `weight` that a server has by now. It never falls with time, is at least 1, and ends as the full weight.
 * @param recoveredMs when the server came back; absent: it was not away
 * @param slowStartMs how long it takes to the full weight; 0: at once
 */
export function slowStartWeight(
  weight: number,
  recoveredMs: number | undefined,
  slowStartMs: number,
  nowMs: number,
): SlowStartWeight {
  if (recoveredMs === undefined || slowStartMs === 0 || weight <= 1) return { weight };
  const elapsedMs = Math.max(0, nowMs - recoveredMs);
  if (elapsedMs >= slowStartMs) return { weight };
  const step = Math.floor((elapsedMs * SLOW_START_STEPS) / slowStartMs);
  return {
    weight: Math.max(1, Math.floor((weight * (step + 1)) / (SLOW_START_STEPS + 1))),
    nextMs: recoveredMs + ((step + 1) * slowStartMs) / SLOW_START_STEPS,
  };
}
