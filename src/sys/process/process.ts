/** This process, its parent, and signals to others. */
import { readdirSync, readFileSync } from "node:fs";
import { PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, SIGKILL, WNOHANG } from "../libc/constants.ts";
import { errnoName, syscallError } from "../libc/errno.ts";
import { asI32 } from "../libc/integers.ts";
import { libc, readErrno } from "../libc/libc.ts";

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

/**
 * Makes this process the parent of all its descendants whose parents die, however they tried to get away: none goes to
 * init any more. @throws SyscallError.
 */
export function adoptOrphans(): void {
  if (libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) throw syscallError("adopt orphans");
}

/** Lets the kernel forget a child that has ended. Never one whose end somebody else waits for. @returns whether it had. */
export function reapChild(id: number): boolean {
  checkProcessId(id);
  return libc().waitpid(asI32(id, "the process id"), null, WNOHANG) > 0;
}

/** The processes whose parent this one is, adopted ones too; those that have ended and were not reaped as well. */
export function childrenOfThisProcess(): number[] {
  const own = processId();
  try {
    // The first thread starts and adopts all of them (exit.c, find_new_reaper).
    const text = readFileSync(`/proc/self/task/${own}/children`, "utf8");
    return text.split(" ").flatMap((word) => (word === "" ? [] : [Number(word)]));
  } catch {
    // A kernel without CONFIG_PROC_CHILDREN.
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) && parentOf(name) === own ? [Number(name)] : []));
  }
}

/** proc(5): the fourth word of stat, behind a name in parentheses that may hold anything. */
function parentOf(id: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 1).split(" ")[2]);
  } catch {
    return undefined;
  }
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
