/** What keeps a heartbeat in time on a busy machine. None of it is needed to work, so none of it throws. */
import { readdirSync, readFileSync } from "node:fs";
import {
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  PRIO_PROCESS,
  SCHED_FIFO,
  SCHED_OTHER,
  SCHED_RESET_ON_FORK,
} from "../libc/constants.ts";
import { errnoName } from "../libc/errno.ts";
import { asI32 } from "../libc/integers.ts";
import { libc, readErrno } from "../libc/libc.ts";

/** `done`, or the name of the errno (`EPERM` without the right to). */
export type PrivilegeOutcome = { readonly kind: "done" } | { readonly kind: "refused"; readonly errnoName: string };

/** sched(7): the least of the processor that an ordinary thread can ask for. */
const NICENESS_LOWEST = 19;

function outcome(result: number): PrivilegeOutcome {
  return result === 0 ? { kind: "done" } : { kind: "refused", errnoName: errnoName(readErrno()) };
}

/** struct sched_param { int priority; } */
function schedule(threadId: number, policy: number, priority: number): PrivilegeOutcome {
  const parameters = new Int32Array([asI32(priority, "the priority")]);
  return outcome(libc().sched_setscheduler(threadId, policy | SCHED_RESET_ON_FORK, parameters));
}

/** proc(5), /proc/[pid]/stat: the name in parentheses may hold anything; niceness is field 19, the 17th after it. */
const NICENESS_FIELD = 16;

function gaveWay(threadId: string): boolean {
  const text = readFileSync(`/proc/self/task/${threadId}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[NICENESS_FIELD]) === NICENESS_LOWEST;
}

/** Undefined: they cannot be listed, since no descriptor is left, or without /proc. */
function threadsOfThisProcess(): Set<string> | undefined {
  try {
    return new Set(readdirSync("/proc/self/task"));
  } catch {
    return undefined;
  }
}

/**
 * Does this to each thread of this process, but for those that gave way. Threads started later are left as they are.
 * @param known threads to which it was done; brought up to date, so that calling again costs little
 */
function forEachThread(known: Set<string>, change: (threadId: number) => PrivilegeOutcome): PrivilegeOutcome {
  const threadIds = threadsOfThisProcess();
  if (threadIds === undefined) return { kind: "refused", errnoName: "EMFILE" };
  for (const threadId of known) if (!threadIds.has(threadId)) known.delete(threadId);
  for (const threadId of threadIds) {
    if (known.has(threadId)) continue;
    known.add(threadId);
    try {
      if (gaveWay(threadId)) continue;
    } catch {
      // It ended meanwhile.
      continue;
    }
    const result = change(Number(threadId));
    if (result.kind === "refused" && result.errnoName !== "ESRCH") return result;
  }
  return { kind: "done" };
}

/**
 * Makes the threads of this process run before all ordinary ones (SCHED_FIFO). All of them: a real-time thread that waits
 * for the engine's ordinary collector or compiler starves what it waits for. Programs started later are ordinary.
 * @param priority 1 to 99
 */
export function useRealtimeScheduling(priority: number, known: Set<string> = new Set()): PrivilegeOutcome {
  return forEachThread(known, (threadId) => schedule(threadId, SCHED_FIFO, priority));
}

/**
 * Gives the threads of this process more of the processor than ordinary ones get. Programs started later are ordinary.
 * @param niceness -20 to -1
 */
export function useNiceness(niceness: number, known: Set<string> = new Set()): PrivilegeOutcome {
  return forEachThread(known, (threadId) => {
    // What is started later gets niceness 0 by the flag that goes with the policy (sched(7), SCHED_RESET_ON_FORK).
    const ordinary = schedule(threadId, SCHED_OTHER, 0);
    return ordinary.kind === "done" ? outcome(libc().setpriority(PRIO_PROCESS, threadId, niceness)) : ordinary;
  });
}

/** Makes this thread, and no other one, give way to ordinary ones: Linux keeps niceness by thread (setpriority(2)). */
export function giveWay(): PrivilegeOutcome {
  schedule(0, SCHED_OTHER, 0);
  return outcome(libc().setpriority(PRIO_PROCESS, 0, NICENESS_LOWEST));
}

/** Keeps the memory that this process touches from being swapped out. */
export function lockMemory(): PrivilegeOutcome {
  // Without ONFAULT the engine's reservations of address space become resident: 6.5 GB.
  return outcome(libc().mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
}
