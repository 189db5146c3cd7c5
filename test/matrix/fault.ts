import type { LabKind } from "../lab/run-in-lab.ts";
import type { RouterName } from "../lab/topology.ts";
import type { Stage } from "./stage.ts";
import type { Staging } from "./staging.ts";

/** What must come of a fault; bounds are generous, figures are for the table. */
export interface Expected {
  /** Who has the VIPs in the end; `either`: one of them, whichever. */
  readonly owner: RouterName | "either";
  /** The client's longest gap on a fast kernel. */
  readonly gapMs: number;
  /** Default 0. An agreed move may overlap by 20 ms. */
  readonly twoOwnersMs?: number;
  /** At a stretch, in place of all in all: what one second owner may cost. */
  readonly twoOwnersAtOnceMs?: number;
  /** On the slow kernel, where several cables cannot be cut in the same moment. */
  readonly twoOwnersSlowMs?: number;
  /** Of `CONNECTIONS`. Default 0. */
  readonly connectionsLost?: number;
}

export interface Fault {
  readonly name: string;
  /** Where it can be done; default: on both kernels. */
  readonly kinds?: readonly LabKind[];
  /** `down`: the routers are not started before `act`. */
  readonly routers?: "down";
  /** What the lab has for it beside the usual. */
  readonly staging?: Staging;
  /** When the fault comes, in ms: each on a pair of its own, all at once; the row has the worst of them. Default: at 0. */
  readonly momentsMs?: readonly number[];
  readonly expected: Expected;
  /** What nobody can avoid, and what the figures contain besides. */
  readonly note?: string;
  readonly act: (stage: Stage, momentMs: number) => Promise<void>;
}

/** So many are open to the web service, and speak. */
export const CONNECTIONS = 50;
/** Rule 9: how long the two owners of an agreed move may overlap. */
export const AGREED_MS = 20;
/** The defaults of the configuration. */
export const DEAD_AFTER_MS = 1000;
export const LEASE_MS = 3000;
/** Nothing should be noticed: what a busy machine may do to the probe. */
export const NOTHING_MS = 150;
/** Until the standby takes over when it is told, or when it hears nothing. */
export const TOLD_MS = 300;
export const SILENCE_MS = 1700;
/** The same where the fault leaves everything else alone: a carrier or an address tells, or only silence does. */
export const TOLD_AT_ONCE_MS = 100;
export const FOUND_OUT_MS = DEAD_AFTER_MS + 300;
/** What a kernel drops at the end of a lease, the other router has this much later. */
export const DROPPED_MS = 50;
/** Two owners whose daemons live and whose frames pass. */
export const SECOND_OWNER_MS = 1000;
