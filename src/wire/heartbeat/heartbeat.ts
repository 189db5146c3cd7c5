/** What a heartbeat says (rules 1 and 2); heartbeat-packet.ts and heartbeat-payload.ts put it into bytes. */
import type { Family, IpAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { PathName, Role, RouterId } from "../../model/pair.ts";
import type { ServiceSight } from "../../model/service-sight.ts";
import type { SharedEntry } from "../../model/shared-entry.ts";

export const MOVE_REASONS = [
  "operator",
  "failback",
  "stopping",
  "carrier-lost",
  "side-blind",
  "address-removed",
  "views",
  "interface-lost",
  "address-lost",
  "route-lost",
  "settings-lost",
  "no-ipvs",
  "refused",
  "gate",
] as const;
/** Why a planned move is made. */
export type MoveReason = (typeof MOVE_REASONS)[number];

export const AGREEMENT_STEPS = [
  "request",
  "offer",
  "accept",
  "taken",
  "verified",
  /** The VIPs are announced, and there is no neighbour that could prove it. */
  "unverifiable",
  "refuse",
  "cancel",
] as const;
/** Where a planned move stands, as its sender sees it. `offer` and `cancel` are the old owner's, all others the new one's. */
export type AgreementStep = (typeof AGREEMENT_STEPS)[number];

/** A planned move (rule 9). `id` is drawn by whoever speaks of it first. */
export interface AgreementWord {
  readonly step: AgreementStep;
  readonly id: number;
  readonly reason: MoveReason;
}

/** What a router can say about one of its sides. Ages in ms; absent: never. */
export interface SideReport {
  readonly carrier: boolean;
  readonly frameAgeMs?: number;
  readonly neighbourAgeMs?: number;
}

/** A configured VIP, the MAC of the sender's interface for it, and whether the sender's kernel has it. */
export interface VipReport {
  readonly address: IpAddress;
  readonly mac?: MacAddress;
  readonly held: boolean;
}

export const UNFITNESS_REASONS = [
  "no-interface",
  "link-down",
  "no-carrier",
  /** The router's own address of that network is gone. */
  "no-address",
  /** The kernel refused the VIP. */
  "refused",
  /** No neighbour answers there, while neighbours answer the peer there. */
  "silent",
  /** It carries services, and the kernel has no IPVS. */
  "no-ipvs",
  /** Somebody changed a kernel setting that it needs. */
  "settings",
  /** The default route that this router had in its role is gone. */
  "no-route",
] as const;
/** Why a router could not serve a VIP. */
export type Unfitness = (typeof UNFITNESS_REASONS)[number];

export interface VipFitness {
  /** Absent: fit. */
  readonly unfit?: Unfitness;
  /** A neighbour has answered lately on its interface. */
  readonly answered: boolean;
}

export const GATE_STATES = ["unknown", "failing", "recovering", "passing"] as const;
/** `recovering`: it passes, but has not done so for long enough to be relied on. */
export type GateState = (typeof GATE_STATES)[number];

export interface GateWord {
  /** Six hexadecimal digits: a digest of the gate's name. */
  readonly digest: string;
  readonly state: GateState;
}

/** Bound on the gates that decide about hand-overs. */
export const GATES_LIMIT = 16;

/** Whether the sender could serve, VIP by VIP (rule 16). */
export interface FitnessReport {
  /** One for each of the payload's `vips`, in their order. */
  readonly vips: readonly VipFitness[];
  readonly defaultRoutes: readonly Family[];
  /** The gates that decide about hand-overs, at most GATES_LIMIT. */
  readonly gates: readonly GateWord[];
}

export interface TableReport {
  readonly complete: boolean;
  readonly services: number;
  readonly servers: number;
  readonly serversUp: number;
}

/** How many of the active's connections the standby's kernel knows (rule 10). */
export interface WarmthReport {
  readonly wanted: number;
  readonly present: number;
  readonly fullSync: boolean;
}

/**
 * Which connections the two kernels share (rule 10): the active asks, the standby answers with the keys of a part of its
 * table, another part with each heartbeat.
 */
export interface SyncWord {
  /** The active wants to know what the other kernel has when it hears this number; 0: nothing. */
  readonly asks: number;
  readonly answer?: SyncAnswer;
}

export interface SyncAnswer {
  /** The number that was heard before the table was read. */
  readonly to: number;
  /** Established connections in the whole table. */
  readonly entries: number;
  /** These are all keys whose first `bits` bits are `slice`. */
  readonly bits: number;
  readonly slice: number;
  /** Ascending. */
  readonly keys: readonly number[];
}

export const SYNC_KEYS_LIMIT = 96;
/** With more VIPs than this, beside all else at its longest, a packet has room for no more than so many keys. */
export const SYNC_CROWDED_VIPS = 16;
export const SYNC_KEYS_LIMIT_CROWDED = 24;

/** Bound on the VIPs that a heartbeat lists: 32 of IPv6 take 576 bytes, their fitness included. */
export const VIP_REPORT_LIMIT = 32;
/** Bound on the distinct MACs among them. */
export const MAC_REPORT_LIMIT = 8;
export const SOFTWARE_LIMIT_BYTES = 32;
/** Room for entries of the shared state: one of the longest, or four short ones, beside all else at its longest. */
export const SHARED_ENTRIES_BYTES = 220;

/** Services whose sights a packet has room for, at two bits each, beside all else at its longest. */
export const VIEWS_WINDOW = 192;
/** The kernel has room for more services than anybody configures. */
export const VIEWS_LIMIT = 0xffff;

/** How the sender sees some of its services, in the order of their names. */
export interface ViewsReport {
  readonly total: number;
  /** The place of the first one. */
  readonly from: number;
  readonly sights: readonly ServiceSight[];
}

/** Settings that a packet has room for, beside all else at its longest, in the place of the views. */
export const SETTINGS_WINDOW = 8;

/** Digests of a setting's name and value. */
export interface SettingWord {
  readonly id: number;
  readonly value: number;
}

/** While the configurations differ: all settings of the sender whose ids are `from` to `to`, both included, ascending. */
export interface SettingsReport {
  readonly from: number;
  readonly to: number;
  readonly settings: readonly SettingWord[];
}

/** What operators ordered, as far as the sender knows (drains, weights, a hold). */
export interface SharedReport {
  /** 16 hexadecimal digits over all entries: equal digests, nothing to tell. */
  readonly digest: string;
  /** Some of them. */
  readonly entries: readonly SharedEntry[];
}

export interface HeartbeatPayload {
  /**
   * Rises with each time heartbeats leave, the same number on both paths: which of two packets that came by different
   * paths is the newer. Absent in packets of older versions.
   */
  readonly sendNumber?: number;
  readonly role: Role;
  /** The highest term this router knows. */
  readonly term: number;
  /** The term of its tenure as active, or of its last one; 0: never. */
  readonly lastActiveTerm: number;
  /** Could take the VIPs now. */
  readonly ready: boolean;
  /** Is going away; with `holding` false no question to its kernel is needed (rule 4). */
  readonly leaving: boolean;
  /** Automatic fail-back is held by an operator. */
  readonly hold: boolean;
  /** An operator released this router: it takes nothing by itself. */
  readonly abstaining: boolean;
  /** A VIP may be in its kernel: from before a lease is asked for until the removal is confirmed. */
  readonly holding: boolean;
  readonly failback: "automatic" | "manual";
  /** Its program of a takeover runs, whatever became of the takeover. */
  readonly stepping?: true;
  /** Frames for the VIPs still reach it, although it gave them up. */
  readonly strays?: true;
  readonly agreement?: AgreementWord;
  /** How long ago it last heard me, per path; absent: never. */
  readonly heardAgeMs: { readonly [P in PathName]?: number };
  readonly sides: { readonly [P in PathName]: SideReport };
  /** At most VIP_REPORT_LIMIT, the first ones; `vipCount` is the true number. */
  readonly vips: readonly VipReport[];
  readonly vipCount: number;
  /** 16 hexadecimal digits. */
  readonly configFingerprint: string;
  readonly software: string;
  readonly table?: TableReport;
  readonly warmth?: WarmthReport;
  readonly sync?: SyncWord;
  /** Absent in packets of older versions. */
  readonly shared?: SharedReport;
  /** Never beside `settings`: with different configurations there are no common services. */
  readonly views?: ViewsReport;
  readonly settings?: SettingsReport;
  /** Absent: not known yet. */
  readonly fitness?: FitnessReport;
  /** An active's leases were last renewed so long ago; absent: in time. */
  readonly leaseAgeMs?: number;
}

/** Who sent a heartbeat, where and when in the course of its process. */
export interface HeartbeatSource {
  readonly router: RouterId;
  /** The path the sender put it on. */
  readonly path: PathName;
  /** 16 lower-case hexadecimal digits, drawn when the sender's process began. */
  readonly bootId: string;
  /** Rises by one with each packet on this path; from 1. */
  readonly counter: number;
}

/** One heartbeat, decoded and with its HMAC checked. Ids are lower-case hexadecimal digits. */
export interface Heartbeat extends HeartbeatSource {
  /** 16 digits. */
  readonly pairId: string;
  /** 32 digits. */
  readonly nonce: string;
  /** The receiver's nonce as the sender last heard it; all zeros: none. */
  readonly echoNonce: string;
  /** The last counter of the receiver that the sender heard, per path; 0: none. */
  readonly echoCounters: { readonly [P in PathName]: number };
  readonly payload: HeartbeatPayload;
}

export const PACKET_REFUSALS = [
  "bad-length",
  "bad-magic",
  "bad-version",
  "wrong-pair",
  "bad-mac",
  "malformed",
] as const;
/** Why bytes are no heartbeat of this pair. */
export type PacketRefusal = (typeof PACKET_REFUSALS)[number];
