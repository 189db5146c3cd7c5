/** Runs that once broke a promise, found by a search: each stays. */
import type { Trace } from "./explore.ts";
import { faultNamed } from "./faults.ts";
import { startNamed } from "./starts.ts";

function trace(start: string, ...events: readonly (readonly [afterSteps: number, fault: string])[]): Trace {
  return {
    start: startNamed(start),
    events: events.map(([afterSteps, fault]) => ({ afterSteps, fault: faultNamed(fault) })),
  };
}

export const PINNED: readonly (Trace & { readonly what: string })[] = [
  {
    what: "a backup that knew the owner by a deaf peer's claim waited for a primary that was no standby",
    ...trace("the backup is active", [0, "cut from backup"], [5, "off primary"]),
  },
  {
    what: "heartbeats that only one of two actives could read settled nothing, and stopped it from looking",
    ...trace("the primary is active", [0, "cut from primary"], [1, "unheard backup"], [1, "cut from primary"]),
  },
];
