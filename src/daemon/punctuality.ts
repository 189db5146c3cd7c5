import { availableParallelism, constants, setPriority } from "node:os";
import type { Logger } from "../log/logger.ts";
import { lockMemory, type PrivilegeOutcome, useRealtimeScheduling } from "../sys/scheduling.ts";

/** Above ordinary programs, below the kernel's own threads (their FIFO priority is 50, kernel/sched/syscalls.c). */
const REALTIME_PRIORITY = 20;

function useHighestNiceness(): PrivilegeOutcome {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
    return { kind: "done" };
  } catch (error) {
    return { kind: "refused", errnoName: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Lets the calling thread run before ordinary programs and keeps its memory from being swapped out, where allowed.
 * With one processor real-time scheduling does harm: the engine's threads wait for each other by yielding, which never
 * lets a thread of lower priority run, so this one spun until the kernel's real-time limit of 95 % stopped it for a
 * while (tried in the lab's kernel: stalls of 1.0 to 1.5 s every few seconds; none with niceness).
 */
export function becomePunctual(logger: Logger): void {
  const steps: readonly (readonly [string, () => PrivilegeOutcome])[] = [
    availableParallelism() > 1
      ? ["real-time scheduling", () => useRealtimeScheduling(REALTIME_PRIORITY)]
      : ["niceness", useHighestNiceness],
    ["locked memory", lockMemory],
  ];
  for (const [what, step] of steps) {
    const outcome = step();
    if (outcome.kind === "refused") logger.debug("router", `no ${what}: ${outcome.errnoName}`);
  }
}
