/** This process, its parent, and signals to others. */
import { PR_SET_PDEATHSIG, SIGKILL } from "./constants.ts";
import { errnoName, syscallError } from "./errno.ts";
import { asI32 } from "./integers.ts";
import { libc, readErrno } from "./libc.ts";

export type SignalOutcome = { readonly kind: "sent" } | { readonly kind: "failed"; readonly errnoName: string };

export function effectiveUserId(): number {
  return libc().geteuid();
}

export function processId(): number {
  return libc().getpid();
}

export function parentProcessId(): number {
  return libc().getppid();
}

/**
 * Makes the kernel send SIGKILL to this process when its parent dies.
 * @param parent the id that the parent had when it started this process
 * @returns false when the parent is gone already: then nobody will send it.
 * @throws SyscallError.
 */
export function dieWithParent(parent: number): boolean {
  if (libc().prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) !== 0) throw syscallError("tie this process to its parent");
  return parentProcessId() === parent;
}

function signal(target: number, number: number): SignalOutcome {
  const result = libc().kill(asI32(target, "the process id"), asI32(number, "the signal"));
  return result === 0 ? { kind: "sent" } : { kind: "failed", errnoName: errnoName(readErrno()) };
}

/** Refuses the ids that mean "everybody" to kill(2), and init. */
function checkProcessId(id: number): void {
  if (!Number.isInteger(id) || id < 2) throw new RangeError(`${id} is not the id of a process of ours`);
}

/** Sends a signal to one process; 0 only asks whether it is there. @throws RangeError for an id below 2. */
export function signalProcess(id: number, number: number): SignalOutcome {
  checkProcessId(id);
  return signal(id, number);
}

/** Sends a signal to a whole process group. @throws RangeError for an id below 2. */
export function signalProcessGroup(id: number, number: number): SignalOutcome {
  checkProcessId(id);
  return signal(-id, number);
}
