import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import { SCHEDULER_FLAGS, type SchedulerFlag } from "./virtual-service.ts";

/** The flags that have a name of their own with one scheduler (linux/ip_vs.h, IP_VS_SVC_F_SCHED_SH_*, _MH_*). */
const NAMED_FLAGS: readonly { readonly name: string; readonly scheduler: string; readonly flag: SchedulerFlag }[] = [
  { name: "sh-fallback", scheduler: "sh", flag: "flag-1" },
  { name: "sh-port", scheduler: "sh", flag: "flag-2" },
  { name: "mh-fallback", scheduler: "mh", flag: "flag-1" },
  { name: "mh-port", scheduler: "mh", flag: "flag-2" },
];

/** Every name that a scheduler's flag may be written with. */
export const SCHEDULER_FLAG_NAMES: readonly string[] = [...NAMED_FLAGS.map(({ name }) => name), ...SCHEDULER_FLAGS];

/** Reads `sh-port` or `flag-2`; a named flag of another scheduler is refused. */
export function parseSchedulerFlag(scheduler: string, text: string): Parsed<SchedulerFlag> {
  const named = NAMED_FLAGS.find(({ name }) => name === text);
  if (named !== undefined && named.scheduler !== scheduler) {
    return problem(`${JSON.stringify(text)} is a flag of the scheduler ${named.scheduler}, not of ${scheduler}`);
  }
  const flag = named?.flag ?? SCHEDULER_FLAGS.find((candidate) => candidate === text);
  return flag === undefined
    ? problem(`${JSON.stringify(text)} is not a scheduler's flag; there are ${SCHEDULER_FLAG_NAMES.join(", ")}`)
    : parsed(flag);
}

/** `sh-port` where the scheduler has a name for the flag, else `flag-2`. */
export function formatSchedulerFlag(scheduler: string, flag: SchedulerFlag): string {
  return NAMED_FLAGS.find((named) => named.scheduler === scheduler && named.flag === flag)?.name ?? flag;
}

/** Flags without repeats, in the kernel's order, so that equal sets are equal lists. */
export function sortedSchedulerFlags(flags: readonly SchedulerFlag[]): readonly SchedulerFlag[] {
  return SCHEDULER_FLAGS.filter((flag) => flags.includes(flag));
}
