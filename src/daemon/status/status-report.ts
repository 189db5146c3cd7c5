import type { GateEffect, GateState, GateTime } from "../../model/gate.ts";
import type { PathName, Role, RouterId } from "../../model/pair.ts";
import type { LogStatus, StateStatus } from "../host/upkeep.ts";
import type { ReloadStatus } from "../reload/reload-result.ts";
import type { Advice } from "./advice.ts";
import type { Alarm } from "./alarms.ts";
import type { UnfitnessByRouter } from "./fitness-warnings.ts";
import type { SyncStatus } from "./sync-status.ts";

/**
 * What `tandem status --json` prints: the daemon's whole view, as plain JSON. Times are in milliseconds before now
 * ("ago"), since the routers' clocks need not agree; `at` is wall-clock text for people.
 * Version 1: fields are added, never renamed or removed.
 */
export interface StatusReport {
  readonly version: 1;
  readonly software: string;
  readonly at: string;
  readonly router: RouterStatus;
  readonly peer: PeerStatus;
  readonly paths: readonly PathStatus[];
  readonly vips: readonly VipStatus[];
  readonly services: readonly ServiceStatus[];
  /** What must hold on this router; in the order of the configuration. */
  readonly gates: readonly GateStatus[];
  /** Newest first. */
  readonly transitions: readonly TransitionStatus[];
  /** What the standby's kernel knows of the active's connections; null: they are not synchronised. */
  readonly sync: (SyncStatus & { readonly text: string }) | null;
  /** What came of the last reading of the configuration. */
  readonly reload: ReloadStatus;
  /** What clients notice now: two own a VIP, nobody owns or could serve one, a service has nobody left; exit code 3. */
  readonly alarms: readonly Alarm[];
  readonly log: LogStatus;
  /** What is kept on disk. */
  readonly state: StateStatus;
  /** All that is not as it should be now, in words, the gravest first. */
  readonly warnings: readonly string[];
  /** The command that mends it, for those warnings that have one. */
  readonly advice: readonly Advice[];
}

/** Whether the VIPs go back to the primary by themselves. */
export type FailbackStatus = "pending" | "none" | "unknown";

export interface RouterStatus {
  readonly id: RouterId;
  readonly name: string;
  readonly role: Role;
  /** What it is doing, in words: `active`, `standby`, `asking whether the peer still has the VIPs`. */
  readonly doing: string;
  /** Since when it has had its role. */
  readonly sinceMs: number;
  /** Since when it has been doing that; null: not known. */
  readonly doingSinceMs: number | null;
  readonly term: number;
  readonly held: boolean;
  /** Why it could not take the VIPs, or is the worse place for them, as a clause; null: it could. */
  readonly notReady: string | null;
  /** What would happen next if nothing new happened, in words. */
  readonly next: string;
  /** Whether the VIPs go back to the primary by themselves; unknown where only the other router can tell. */
  readonly failback: FailbackStatus;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly configFingerprint: string;
}

export interface PeerStatus {
  readonly id: RouterId;
  readonly name: string;
  readonly alive: boolean;
  readonly role: Role | "unknown";
  readonly term: number;
  readonly heardMsAgo: number | null;
  readonly software: string | null;
  /** null: not heard yet. */
  readonly sameConfig: boolean | null;
  /** Settings that the peer has with another value, or not at all; null: the same configuration, or not compared yet. */
  readonly differingKeys: readonly string[] | null;
  /** How many settings only the peer has; null as above. */
  readonly missingKeys: number | null;
}

export interface PathStatus {
  readonly path: PathName;
  readonly interface: string;
  /** Heard both ways. */
  readonly up: boolean;
  readonly carrier: boolean;
  readonly heardMsAgo: number | null;
  /** How long ago the peer says it last heard us on this path. */
  readonly peerHeardMsAgo: number | null;
  readonly sent: number;
  readonly accepted: number;
  /** The peer's own count of what it sent on this path, as last heard; it begins anew with each of its processes. */
  readonly peerSent: number;
  /** Of a heartbeat and the peer's answer on this path, without the peer's pause between them; exact to a millisecond. */
  readonly roundTripMs: number | null;
  /** Packets not accepted, by named reason. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface VipStatus {
  readonly address: string;
  readonly interface: string;
  readonly label: string | null;
  readonly owner: RouterId | "nobody" | "both" | "unknown";
  /** Of our own lease; null when we don't have the VIP. */
  readonly leaseLeftMs: number | null;
  /** `203.0.113.1 after 3 ms`, or null while nothing confirmed it on its interface, or another machine has it too. */
  readonly confirmed: string | null;
  /** The MAC of a machine that is neither router and answers for it; null: none does. */
  readonly contestedBy: string | null;
  /** There are neighbours on its interface that could confirm it. */
  readonly confirmable: boolean;
  /** Why each router could not serve it, in words; null: it could, or is not known. */
  readonly unfit: UnfitnessByRouter;
  /** Asking who has it proves nothing: the peer's kernel is `silent` for what it has, or `answers` for what it has not. */
  readonly unprovable: "silent" | "answers" | null;
}

export interface ServiceStatus {
  readonly name: string;
  readonly listen: readonly string[];
  readonly scheduler: string;
  readonly servers: readonly ServerStatus[];
}

export interface ServerStatus {
  readonly address: string;
  readonly forward: string;
  readonly weight: number;
  /** `removed`: the configuration has it, and an operator took it out (`kept`). */
  readonly state: "up" | "down" | "unknown" | "drained" | "unchecked" | "removed";
  /** What an operator did with it at run time, beside the configuration; null: it is as configured. */
  readonly kept: KeptStatus["change"] | null;
  readonly sinceMs: number | null;
  readonly reason: string;
  readonly activeConnections: number | null;
}

/** A real server that an operator has added, changed or removed at run time; `tandem real reset` gives it back. */
export interface KeptStatus {
  /** `tcp://203.0.113.10:80`. */
  readonly service: string;
  /** `10.0.0.11:80`. */
  readonly server: string;
  readonly change: "added" | "changed" | "removed";
  /** Its settings: `nat, weight 3`. */
  readonly detail: string;
}

export interface GateStatus {
  readonly name: string;
  readonly state: GateState;
  readonly sinceMs: number;
  /** What follows when it fails. */
  readonly effect: GateEffect;
  /** When it is checked: in each role, or only while this router is active. */
  readonly when: GateTime;
  /** Why it fails or is unknown, or passes without being checked; null: there is nothing to say. */
  readonly reason: string | null;
}

export interface TransitionStatus {
  readonly at: string;
  readonly agoMs: number;
  readonly from: string;
  readonly to: string;
  readonly term: number;
  /** One word, for scripts: `peer-silent`, `handed-over`, `operator` … */
  readonly reason?: string;
  /** The same in words. */
  readonly why: string;
  /** The causal chain, oldest first, each with its time before the transition in milliseconds. */
  readonly chain: readonly { readonly beforeMs: number; readonly what: string }[];
}

/** What `tandem heartbeat watch --json` prints: what is heard on each path, and how late this router's own loop is. */
export interface HeartbeatReport {
  readonly version: 1;
  readonly peer: PeerStatus;
  /** Between two heartbeats of this router. */
  readonly intervalMs: number;
  readonly paths: readonly PathStatus[];
  readonly loop: { readonly wakes: number; readonly lastLateMs: number; readonly maxLateMs: number };
}
