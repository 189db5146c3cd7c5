import { availableParallelism } from "node:os";
import type { Logger } from "../log/logger.ts";
import { lockMemory, type PrivilegeOutcome, useRealtimeScheduling } from "../sys/scheduling.ts";

/** Above ordinary programs, below the kernel's own threads (their FIFO priority is 50, kernel/sched/syscalls.c). */
const REALTIME_PRIORITY = 20;

/**
 * Lets the calling thread run before ordinary programs and keeps its memory from being swapped out, where allowed.
 * With one processor real-time scheduling does harm: the engine's threads wait for each other by yielding, which never
 * lets a thread of lower priority run, so this one spun until the kernel's real-time limit of 95 % stopped it for a
 * while (tried in the lab's kernel: stalls of 1.0 to 2.0 s every few seconds). Niceness -20 is no way out: it leaves
 * those threads 1/88 of the processor, and the stalls were the same. Without either there were none.
 */
export function becomePunctual(logger: Logger): void {
  const steps: readonly (readonly [string, () => PrivilegeOutcome])[] = [
    ...(availableParallelism() > 1
      ? [["real-time scheduling", () => useRealtimeScheduling(REALTIME_PRIORITY)] as const]
      : []),
    ["locked memory", lockMemory],
  ];
  for (const [what, step] of steps) {
    const outcome = step();
    if (outcome.kind === "refused") logger.debug("router", `no ${what}: ${outcome.errnoName}`);
  }
}
