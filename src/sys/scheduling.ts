/** What keeps a heartbeat in time on a busy machine. None of it is needed to work, so none of it throws. */
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, PRIO_PROCESS, SCHED_FIFO, SCHED_RESET_ON_FORK } from "./constants.ts";
import { errnoName } from "./errno.ts";
import { asI32 } from "./integers.ts";
import { libc, readErrno } from "./libc.ts";

/** `done`, or the name of the errno (`EPERM` without the right to). */
export type PrivilegeOutcome = { readonly kind: "done" } | { readonly kind: "refused"; readonly errnoName: string };

/** A tenth of the processor beside one ordinary thread that wants all of it (kernel/sched/core.c, sched_prio_to_weight). */
const NICENESS = 10;

function outcome(result: number): PrivilegeOutcome {
  return result === 0 ? { kind: "done" } : { kind: "refused", errnoName: errnoName(readErrno()) };
}

/**
 * Makes this thread run before all ordinary ones (SCHED_FIFO). Programs it starts are ordinary again.
 * @param priority 1 to 99
 */
export function useRealtimeScheduling(priority: number): PrivilegeOutcome {
  // struct sched_param { int priority; }
  const parameters = new Int32Array([asI32(priority, "the priority")]);
  return outcome(libc().sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, parameters));
}

/** Makes this thread, and no other one, give way to ordinary ones: Linux keeps niceness by thread (setpriority(2)). */
export function giveWay(): PrivilegeOutcome {
  return outcome(libc().setpriority(PRIO_PROCESS, 0, NICENESS));
}

/** Keeps the memory that this process touches from being swapped out. */
export function lockMemory(): PrivilegeOutcome {
  // Without ONFAULT the engine's reservations of address space become resident: 6.5 GB.
  return outcome(libc().mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
}
