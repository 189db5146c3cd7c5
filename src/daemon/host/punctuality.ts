import { availableParallelism } from "node:os";
import type { Logger } from "../../log/logger.ts";
import { lockMemory, type PrivilegeOutcome, useNiceness, useRealtimeScheduling } from "../../sys/process/scheduling.ts";

/** Above ordinary programs, below the kernel's own threads (their FIFO priority is 50, kernel/sched/syscalls.c). */
const REALTIME_PRIORITY = 20;

/**
 * Nine times what an ordinary program gets where both want the processor (sched_prio_to_weight, kernel/sched/core.c): so
 * much is still left to a thread of the engine that was just started, and is ordinary until the next refresh.
 */
const NICENESS = -10;

/** The engine starts threads of its own when it needs them: they are made alike this often. */
const REFRESH_EVERY_MS = 500;

/**
 * Lets this process run before ordinary programs and keeps its memory from being swapped out, where allowed. With two
 * busy processors and only the main thread at real-time priority, it waited up to 1.0 s for the engine's own threads,
 * which starved behind it; with all of them alike it was 3 ms late at most.
 * With one processor real-time scheduling does harm: the engine's threads wait for each other by yielding, which never
 * lets a thread of lower priority run, so this one spun until the kernel's real-time limit of 95 % stopped it for a
 * while (tried in the lab's kernel: stalls of 1.0 to 2.0 s every few seconds; the same with niceness -20 for the main
 * thread alone, which leaves the others 1/88 of the processor). There all threads get a moderate niceness: beside 2,000
 * checks a second heartbeats came 54 and 69 ms late without it, 4 to 20 ms with it.
 */
export function becomePunctual(logger: Logger): void {
  const isDone = (what: string, outcome: PrivilegeOutcome): boolean => {
    if (outcome.kind === "refused") logger.debug("router", `no ${what}: ${outcome.errnoName}`);
    return outcome.kind === "done";
  };
  isDone("locked memory", lockMemory());
  const known = new Set<string>();
  const isAlone = availableParallelism() === 1;
  const what = isAlone ? "niceness" : "real-time scheduling";
  const refresh = () => (isAlone ? useNiceness(NICENESS, known) : useRealtimeScheduling(REALTIME_PRIORITY, known));
  if (isDone(what, refresh())) setInterval(refresh, REFRESH_EVERY_MS).unref();
}
