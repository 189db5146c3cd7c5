/** The whole state of one router's failover machine: plain data, replaced by each step. */
import type { Family, IpAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { PathName } from "../../model/pair.ts";
import type { ServiceSight } from "../../model/service-sight.ts";
import type { SettingDigest } from "../../model/setting-digest.ts";
import type { Vip } from "../../model/vip.ts";
import type {
  AgreementWord,
  HeartbeatPayload,
  MoveReason,
  TableReport,
  WarmthReport,
} from "../../wire/heartbeat/heartbeat.ts";
import type { Cause, Transition, TransitionReason } from "./history.ts";
import type { Session } from "./session.ts";
import type { FailoverSettings, Timing } from "./settings.ts";
import type { Disadvantage, Drift, Shared, Stray } from "./state-parts.ts";
import type { ForeignVip, GateReport, Surroundings } from "./surroundings.ts";

/** What came in on an interface. */
export interface Evidence {
  readonly askable: boolean;
  readonly lastFrameAtMs?: number;
  readonly lastNeighbourAtMs?: number;
}

/** Evidence of one side. */
export interface Side extends Evidence {
  readonly carrier: boolean;
  readonly carrierSinceMs: number;
}

/** What the peer last said in a packet that counted. */
export interface PeerView {
  readonly heardAtMs: number;
  /** Since when it has been heard without a silence of `dead_after` and without a restart. */
  readonly sinceMs: number;
  readonly says: HeartbeatPayload;
  /** Since when it has said the same of its carrier on each side. */
  readonly carrierSinceMs: { readonly [S in PathName]: number };
  /** Since when it has said the same of each of its gates, by digest; absent: it says nothing of gates. */
  readonly gatesSinceMs?: ReadonlyMap<string, number>;
  /** Since when it has said without a pause that it is standby and may have VIPs in its kernel. */
  readonly holdingSinceMs?: number;
}

/** Asking the peer's kernel whether it still has the VIPs (rule 4). */
export interface OwnerQuery {
  readonly sinceMs: number;
  readonly attempt: number;
  readonly askedAtMs: number;
  /** Attempts since the last answer of the peer's MAC. */
  readonly unanswered: number;
  /** Attempts that were answered. */
  readonly answered: number;
  readonly firstAnswerAtMs?: number;
  readonly lastAnswerAtMs?: number;
  /** The peer's kernel has answered for longer than two leases: only `take --force` helps. */
  readonly standoff: boolean;
  /** When its kernel last answered for anything, its own addresses included. */
  readonly kernelAnsweredAtMs?: number;
  /** The sides whose own address was answered for since the last question. */
  readonly ownAnswered: readonly PathName[];
  /** Rounds in which an own address was answered for and no VIP beside it, since a VIP last was. */
  readonly absentRounds: number;
  /** Since when it has been gone without a pause. */
  readonly goneSinceMs?: number;
  /** Questions in a row without an answer while somebody else was seen: those of an isolated router say nothing. */
  readonly unansweredSeeing: number;
  /** Since when somebody else has been seen without a pause. */
  readonly seeingSinceMs?: number;
}

/** An active that does not hear its peer looks for a second owner (rule 19). */
export interface OwnerWatch {
  readonly sinceMs: number;
  readonly attempt: number;
  readonly askedAtMs: number;
  /** In the round that runs: the peer's kernel answered for a VIP, and for its own address of these sides. */
  readonly vipAnswered: boolean;
  readonly ownAnswered: readonly PathName[];
  readonly absentRounds: number;
  /** The peer's kernel has VIPs too: since when, in how many rounds, and how many in a row went without an answer since. */
  readonly seen?: {
    readonly sinceMs: number;
    readonly rounds: number;
    readonly missed: number;
    readonly said: boolean;
  };
}

/** Whether the answers of the peer's kernel prove anything: tried while its heartbeats say what it has (rule 18). */
export interface Calibration {
  readonly dueAtMs: number;
  /** The trial that runs: what was asked and not answered yet. */
  readonly trial?: {
    readonly sinceMs: number;
    readonly attempt: number;
    readonly askedAtMs: number;
    readonly open: readonly string[];
  };
  /** Where the next trial begins in the list of VIPs. */
  readonly from: number;
  /** By `vipKey`: how the answers contradict what the peer says. */
  readonly unprovable: ReadonlyMap<string, "silent" | "answers">;
}

/** VIPs that somebody else set in this kernel (rule 20). */
export interface Foreign {
  readonly found: readonly ForeignVip[];
  /** When each was removed, by its text, within the last minute. */
  readonly removedAtMs: ReadonlyMap<string, readonly number[]>;
  /** Those on their way out, by their text. */
  readonly leaving: ReadonlySet<string>;
  /** Those that stay: on the loopback interface, or back too often. */
  readonly left: ReadonlySet<string>;
}

/** A machine that is neither router answers for a VIP. */
export interface Conflict {
  readonly address: IpAddress;
  readonly mac: MacAddress;
  readonly sinceMs: number;
  readonly seenAtMs: number;
  /** When it was last asked whether it is still there. */
  readonly askedAtMs?: number;
}

export interface Refused {
  readonly why: string;
  readonly atMs: number;
}

/** Moves because of what may be wrong about a judgement come ever more rarely (rule 13). */
export interface Damping {
  readonly movedAtMs: number;
  readonly pauseMs: number;
}

/** Becoming active: between the decision and the confirmed leases. */
export interface Taking {
  readonly sinceMs: number;
  readonly reason: TransitionReason;
  readonly force: boolean;
  /** Until when the balancer's table is waited for. */
  readonly tableUntilMs: number;
  /** The run of the program that is a step of it. */
  readonly hook?: number;
  /** That program has done its work, or its failure does not matter. */
  readonly stepped?: boolean;
  /** The lease effect sent; absent while the table is waited for. */
  readonly batch?: number;
}

export type Phase =
  | { readonly kind: "starting"; readonly adoptable: readonly Vip[]; readonly untilMs: number }
  | { readonly kind: "standby"; readonly sinceMs: number }
  | { readonly kind: "taking"; readonly taking: Taking }
  | {
      readonly kind: "active";
      readonly sinceMs: number;
      readonly reason: TransitionReason;
      /** By `take --force`: what the peer's kernel answers does not end it. */
      readonly forced?: true;
    }
  | { readonly kind: "stopped" };

export type LeasePurpose = "take" | "adopt" | "renew" | "restore" | "keep";

export interface PendingLease {
  readonly batch: number;
  readonly purpose: LeasePurpose;
  readonly sentAtMs: number;
  readonly vips: readonly Vip[];
  readonly validMs: number;
}

export interface PendingRemoval {
  readonly batch: number;
  readonly sentAtMs: number;
  readonly vips: readonly Vip[];
}

/** The VIPs in this machine's kernel as far as we know. */
export interface Addresses {
  readonly nextBatch: number;
  /** VIPs that may be in the kernel, by `vipKey`. */
  readonly possible: ReadonlyMap<string, Vip>;
  readonly leases: readonly PendingLease[];
  readonly removals: readonly PendingRemoval[];
  /** When the last wholly successful lease was sent. */
  readonly confirmedAtMs?: number;
  /** It ends no earlier than this: the moment it was sent and the length it was given. */
  readonly confirmedUntilMs?: number;
  /** What it contained, by `vipKey`. */
  readonly confirmed: ReadonlySet<string>;
  readonly renewAtMs?: number;
  /** The last lease that was on its way when somebody removed a VIP: it may have come before. */
  readonly undoneBatch?: number;
  readonly retryRemovalAtMs?: number;
  /** Removals by others, for rule 11. */
  readonly guardedAtMs: readonly number[];
  /** The one hand-over of rule 11, in this tenure. */
  readonly guardMove: "none" | "due" | "tried";
}

/** A planned move as the old owner leads it (rule 9). */
export interface Move {
  readonly id: number;
  readonly reason: MoveReason;
  readonly sinceMs: number;
  readonly limitMs: number;
  /** What it had to wait for, the last such thing. */
  readonly waitedFor?: string;
  /** Absent while the peer is not ready. */
  readonly offeredAtMs?: number;
  /** When the peer was first heard to have the VIPs. */
  readonly takenAtMs?: number;
  readonly operator?: number;
}

/** A planned move as the new owner follows it. */
export interface Acceptance {
  readonly word: AgreementWord;
  readonly heardAtMs: number;
}

/** A wish of an operator at the standby, told to the active. */
export interface Wish {
  readonly id: number;
  readonly operator: number;
  readonly sinceMs: number;
  /** `take --force`: take without the active's consent when this is reached. */
  readonly forceAtMs?: number;
}

/** A refusal or cancellation that is still being told. */
export interface LastWord {
  readonly word: AgreementWord;
  readonly untilMs: number;
}

export interface AnnounceSchedule {
  /** The second announcement, 1.1 s after the first. */
  readonly againAtMs?: number;
  /** Another machine answered too soon after the last announcement to be answered at once. */
  readonly contestedAtMs?: number;
  readonly refreshAtMs: number;
  /** Where a running refresh continues. */
  readonly refreshFrom: number;
}

export interface Verification {
  readonly id: number;
  readonly sinceMs: number;
  readonly round: number;
  /** Sides that must answer; those that have go. */
  readonly missing: readonly PathName[];
  readonly confirmedBy?: { readonly by: IpAddress; readonly elapsedMs: number };
  /** Who answered first on each side. */
  readonly answers: { readonly [S in PathName]?: { readonly by: IpAddress; readonly elapsedMs: number } };
  readonly done: boolean;
  /** A repetition that nobody waits for: its outcome is shown, and not logged. */
  readonly quiet?: true;
}

/** A neighbour that uses this router's MAC for the VIPs of an interface. */
export interface Confirmation {
  readonly by: IpAddress;
  readonly elapsedMs: number;
  readonly atMs: number;
}

export interface Failback {
  /** Since when the primary has been ready, seen from the active backup. */
  readonly readySinceMs?: number;
  /** How long it has to be. */
  readonly stableMs: number;
  /** When the role was last given back. */
  readonly returnedAtMs?: number;
}

export interface Stopping {
  readonly sinceMs: number;
  /** The VIPs were given the long lease that they are left with. */
  readonly kept: boolean;
  /** Farewells still to send before the end; absent while VIPs are being moved or removed. */
  readonly farewells?: number;
  readonly farewellAtMs?: number;
}

export interface State {
  readonly settings: FailoverSettings;
  readonly timing: Timing;
  readonly startedAtMs: number;
  /** 64 hexadecimal digits, and how often it was drawn from. */
  readonly seed: string;
  readonly drawn: number;
  readonly session: Session;
  readonly peer?: PeerView;
  /** A peer that cannot hear me said that it is active. */
  readonly deafClaim?: { readonly term: number; readonly atMs: number };
  readonly peerMacs: ReadonlyMap<string, MacAddress>;
  readonly ownMacs: ReadonlyMap<string, MacAddress>;
  readonly sides: { readonly [S in PathName]: Side };
  /** Paths that were up at the last tick, for warnings. */
  readonly pathsUp: { readonly [P in PathName]: boolean };
  /** Silence is counted from here at the earliest. */
  readonly listeningSinceMs: number;
  /** No judgement of silence before this: we were asleep (rule 7). */
  readonly graceUntilMs: number;
  /** Late wakes since the peer was last heard: rule 7 is for a sleep, not for a machine that is always late. */
  readonly lateWakes?: { readonly sinceMs: number; readonly count: number };
  /** A time in which this process woke late again and again: such a loop sees all the same. */
  readonly lateTime?: { readonly sinceMs: number; readonly lastMs: number };
  /** When this process last woke late, or began. */
  readonly awakeSinceMs: number;
  /** Absent: not told yet. */
  readonly surroundings?: Surroundings;
  /** What was seen on interfaces that are neither side's. */
  readonly thirdEvidence: ReadonlyMap<string, Evidence>;
  /** Default routes that this router has had in its present role. */
  readonly routesHad: readonly Family[];
  /** Why this kernel has no IPVS; absent: it has, or needs none. */
  readonly ipvsMissing?: string;
  readonly gates: readonly GateReport[];
  /** Since when the links of interfaces are as they are. */
  readonly linkSinceMs: ReadonlyMap<string, number>;
  /** VIPs that the kernel refused, by `vipKey`: until something changes around them. */
  readonly refused: ReadonlyMap<string, Refused>;
  /** When an active tries those again. */
  readonly retryRefusedAtMs?: number;
  /** Since when the peer has been the better place, and why. */
  readonly worse?: { readonly sinceMs: number; readonly why: Disadvantage };
  readonly damping?: Damping;
  /** Another machine has this router's own address. */
  readonly twin?: { readonly side: PathName; readonly mac: MacAddress; readonly seenAtMs: number };
  readonly foreign: Foreign;
  readonly calibration: Calibration;
  readonly ownerWatch?: OwnerWatch;
  /** In this tenure it was proven that the peer had no VIP. */
  readonly proven: boolean;
  /** This router stepped down for its peer, which was not heard: that goes first. */
  readonly yielding: boolean;
  /** When a heartbeat of the peer's machine was last seen on the wire, accepted or not. */
  readonly peerFrameAtMs?: number;
  readonly term: number;
  readonly lastActiveTerm: number;
  /** What operators ordered at either router. */
  readonly shared: Shared;
  /** Fail-back is held, by what is shared. */
  readonly hold: boolean;
  readonly abstaining: boolean;
  readonly phase: Phase;
  readonly addresses: Addresses;
  readonly query?: OwnerQuery;
  /** When the VIPs were last announced because another machine answered for one. */
  readonly defendedAtMs?: number;
  /** Machines that are neither router and answered for a VIP, the last one last. */
  readonly conflicts: readonly Conflict[];
  readonly move?: Move;
  readonly acceptance?: Acceptance;
  readonly wish?: Wish;
  readonly lastWord?: LastWord;
  /** No new planned move by itself before this: the last one failed. */
  readonly retryMoveAtMs?: number;
  /** A second active was heard; when it is gone the VIPs are announced again (rule 8). */
  readonly rival: boolean;
  readonly announcing?: AnnounceSchedule;
  readonly verification?: Verification;
  /** Who confirms this tenure's VIPs, by interface: what is no longer confirmed is forgotten. */
  readonly confirmations: ReadonlyMap<string, Confirmation>;
  readonly failback: Failback;
  readonly stopping?: Stopping;
  readonly table?: TableReport;
  readonly warmth?: WarmthReport;
  /** How this router and its peer see the services, in the order of the settings; empty: not told. */
  readonly views: readonly ServiceSight[];
  readonly peerViews: readonly ServiceSight[];
  /** Services that the active does not see and the standby does, by their places. */
  readonly missed?: { readonly sinceMs: number; readonly places: readonly number[]; readonly told: boolean };
  /** This router's settings by ascending ids, while the peer's differ; empty: awaited. */
  readonly settingDigests?: readonly SettingDigest[];
  /** In what the configurations differ; absent: in nothing. */
  readonly drift?: Drift;
  /** When the VIPs last moved because of the views. */
  readonly viewsMovedAtMs?: number;
  /** The planned move before which the peer's kernel was told of every connection. */
  readonly toldFor?: number;
  /** Since when both routers have been standby and heard each other. */
  readonly bothStandbySinceMs?: number;
  readonly sentAtMs?: number;
  /** How often heartbeats have left. */
  readonly sendNumber: number;
  /** All deadlines up to this have been judged. */
  readonly tickedAtMs: number;
  /** When the next tick is due. */
  readonly dueAtMs: number;
  /** It was warned that this active sees nobody. */
  readonly aloneWarned: boolean;
  /** The program that is a step of a takeover runs, also one that was given up meanwhile. */
  readonly step?: { readonly hook: number; readonly sinceMs: number };
  /** The peer began to take over and gave it up: what its program has moved is moved back, not before this. */
  readonly reclaimAtMs?: number;
  /** The last frame for a VIP that came here although this router gave it up. */
  readonly stray?: Stray;
  /** When the peer's report of such frames was last answered by an announcement. */
  readonly strayAnsweredAtMs?: number;
  /** Numbers verifications and hooks. */
  readonly nextNumber: number;
  /** No try to take before this: the last one failed. */
  readonly retryTakeAtMs?: number;
  /** How often in a row the kernel refused the leases; a renewal that went well ends the row. */
  readonly refusals: number;
  readonly trail: readonly Cause[];
  readonly history: readonly Transition[];
}
