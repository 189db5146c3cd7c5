import type { GateState } from "../../model/gate.ts";
import type { CheckKind, ProbeOutcome, Verdict } from "../../model/health-check.ts";
import type { KeptChange, KeptServer } from "../../model/kept-server.ts";
import type { Drain, OrderedServer } from "./drains.ts";
import type { PaceReport } from "./probe-pace.ts";
import type { ProbeTimes } from "./probe-record.ts";

/** What the balancer tells about its work; the router passes it on to status, log, heartbeat and hooks. */

/** A server's verdict in one service changed. Times are of the machine's monotonic clock, in milliseconds. */
export interface VerdictChange {
  /** The service's name in the configuration. */
  readonly service: string;
  /** The real server as configured: `10.0.0.11:80`. */
  readonly server: string;
  readonly from: Verdict;
  readonly to: Verdict;
  /** Why, for people: `connected after 0.4 ms; expected "HTTP/1." but got "SSH-2.0-"`. */
  readonly reason: string;
  readonly sinceMs: number;
}

/** A virtual service lost its quorum, or has it again. */
export interface QuorumChange {
  /** The service's name in the configuration. */
  readonly service: string;
  /** `tcp://203.0.113.10:80`. */
  readonly listen: string;
  readonly quorate: boolean;
}

/** How one `[[service]]` is seen from this router. Servers without a check count as up. */
export interface ServiceView {
  readonly service: string;
  readonly up: number;
  readonly down: number;
  readonly unknown: number;
  /** Servers configured: up + down + unknown. */
  readonly configured: number;
  /** Who gets the work: the servers that are up, the last good set (panic), the sorry server, or nobody: on order, or none is up. */
  readonly work: ServiceWork;
}

export const SERVICE_WORKS = ["normal", "last-good", "sorry", "drained", "none"] as const;
export type ServiceWork = (typeof SERVICE_WORKS)[number];

/** One real server of one virtual service, for `tandem check list` and `tandem status`. */
export interface CheckReport {
  /** The service's name in the configuration. */
  readonly service: string;
  /** The virtual service: `tcp://203.0.113.10:80`. A `[[service]]` that listens on several has a report for each. */
  readonly listen: string;
  /** `10.0.0.11:80`. */
  readonly server: string;
  readonly forward: string;
  /** Absent: the server is not checked. */
  readonly kind?: CheckKind;
  readonly verdict: Verdict;
  /** Monotonic time at which the verdict began; absent when that was before this boot. */
  readonly sinceMs?: number;
  /** The last attempt; absent before the first one. With several checks, that of the one that stands worst. */
  readonly last?: LastProbe;
  /** Of the slowest check; absent before an attempt succeeded. */
  readonly times?: ProbeTimes;
  /** How the verdicts of its checks changed since the balancer began, the latest first. */
  readonly changes?: readonly ReportedChange[];
  /** How long the verdict has held; absent when it began before this boot, or there is none. */
  readonly forMs?: number;
  /** What else checks it, besides `kind`. */
  readonly furtherKinds?: readonly CheckKind[];
  /** The weight that the kernel should have now; absent when the server should not be in its table. */
  readonly weight?: number;
  readonly drained: boolean;
  /** As the kernel had it when its table was last read; absent when the server was not in it. */
  readonly activeConnections?: number;
}

/** A change of a verdict, by its age. */
export interface ReportedChange {
  readonly to: Verdict;
  readonly agoMs: number;
  readonly reason: string;
}

export interface LastProbe {
  readonly outcome: ProbeOutcome;
  /** Monotonic time at which the attempt ended. */
  readonly atMs: number;
  /** How many attempts in a row had this result. */
  readonly streak: number;
}

/** How a gate stands. */
export interface GateView {
  readonly name: string;
  readonly state: GateState;
  /** Monotonic time at which that began. */
  readonly sinceMs: number;
  /** Why it fails, or is unknown, as a clause; or why it passes without being checked. */
  readonly detail?: string;
}

/** The same for people, with what was found last. */
export interface GateRecord extends GateView {
  readonly forMs: number;
  readonly last?: LastProbe;
  readonly times?: ProbeTimes;
  /** The latest first. */
  readonly changes?: readonly ReportedChange[];
}

/** A drained server and what it still has to do. */
export interface DrainProgress {
  readonly listen: string;
  readonly server: string;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
}

/** What an operator has just made of a server; `none`: as configured again. */
export interface KeptMade extends OrderedServer {
  readonly change: KeptChange;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the balancer's state machine says to the router; the process adds its own signs of life. */
export type BalancerReport =
  /** The kernel has the wanted table. */
  | { readonly kind: "table-complete"; readonly id: number }
  | { readonly kind: "verdict-changed"; readonly change: VerdictChange }
  | { readonly kind: "quorum-changed"; readonly change: QuorumChange }
  /** After each change, and once after `configure`. */
  | { readonly kind: "views"; readonly services: readonly ServiceView[] }
  /**
   * All orders that hold, after each change of them. `made`: those servers an operator has just given or taken back an
   * order for; absent: the router gave the list.
   */
  | { readonly kind: "drains-changed"; readonly drains: readonly Drain[]; readonly made?: readonly OrderedServer[] }
  /** The same of servers changed at run time. */
  | { readonly kind: "kept-changed"; readonly kept: readonly KeptServer[]; readonly made?: KeptMade }
  /** All gates, after each change of one's state, and of which there are. */
  | { readonly kind: "gates"; readonly gates: readonly GateView[] }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "refused"; readonly id: number; readonly reason: string }
  | { readonly kind: "answer"; readonly id: number; readonly answer: BalancerAnswer };

export type BalancerQuery = { readonly kind: "checks" } | { readonly kind: "drains" };

export type BalancerAnswer =
  | {
      readonly kind: "checks";
      readonly checks: readonly CheckReport[];
      /** Absent: there are none. */
      readonly gates?: readonly GateRecord[];
      readonly pace: PaceReport;
    }
  | { readonly kind: "drains"; readonly drains: readonly DrainProgress[] };
