/** Moves that a judgement led to come ever more rarely (rule 13); those that the kernel told of are not rationed. */
import type { MoveReason } from "../../wire/heartbeat/heartbeat.ts";
import type { Turn } from "./turn.ts";

/** Rule 13, for moves that a judgement led to: the next one waits for this, and twice as long each time … */
const DAMPING_MS = 30_000;
/** … up to this, which also ends the row. */
const DAMPING_LIMIT_MS = 3_600_000;

/** The old owner could not serve, by what its kernel told. */
const CERTAIN: ReadonlySet<MoveReason> = new Set(["carrier-lost", "interface-lost", "address-lost"]);
/** The old owner was judged to be the worse place. */
const JUDGED: ReadonlySet<MoveReason> = new Set([
  "side-blind",
  "gate",
  "route-lost",
  "settings-lost",
  "no-ipvs",
  "refused",
]);

/** Such a move was made, whichever router led it: the next one has to wait. */
export function noteJudgedMove(turn: Turn, reason: MoveReason): void {
  if (!JUDGED.has(reason)) return;
  const { damping } = turn.state;
  const isRow = damping !== undefined && turn.now - damping.movedAtMs < DAMPING_LIMIT_MS;
  const pauseMs = isRow ? Math.min(DAMPING_LIMIT_MS, damping.pauseMs * 2) : DAMPING_MS;
  turn.set({ damping: { movedAtMs: turn.now, pauseMs } });
}

/** The move is made because the peer is the better place. */
export function isForDisadvantage(reason: MoveReason): boolean {
  return CERTAIN.has(reason) || JUDGED.has(reason);
}
