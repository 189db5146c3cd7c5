/**
 * What enters the failover machine. Times are monotonic milliseconds of the same clock as `nowMs` of `step`.
 *
 * The loop's duty in each turn (rule 7): first read every heartbeat and every owner's answer that waits and step each,
 * then step one `tick`. The machine judges silence and deadlines on `tick` only; all other inputs take effect at once.
 */
import type { IpAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import type { PathName } from "../../model/pair.ts";
import type { ServiceSight } from "../../model/service-sight.ts";
import type { SettingDigest } from "../../model/setting-digest.ts";
import type { SharedSubject } from "../../model/shared-entry.ts";
import type { Vip } from "../../model/vip.ts";
import type {
  Heartbeat,
  HeartbeatSource,
  PacketRefusal,
  TableReport,
  WarmthReport,
} from "../../wire/heartbeat/heartbeat.ts";
import type { FailoverSettings } from "./settings.ts";
import type { ForeignVip, GateReport, Surroundings } from "./surroundings.ts";

export interface LeaseResult {
  readonly vip: Vip;
  readonly result: "created" | "renewed" | "failed";
  /** For `failed`: why, a clause. */
  readonly error?: string;
}

export interface RemoveResult {
  readonly vip: Vip;
  readonly result: "removed" | "absent" | "failed";
  readonly error?: string;
}

/** A heartbeat that came by on the wire. */
export interface PeerFrame {
  readonly path: PathName;
  readonly atMs: number;
  /** What its head says, unchecked; absent where it is none. */
  readonly source?: HeartbeatSource;
}

export type OperatorCommand =
  /** Planned, lossless: the other router becomes active. Works on both. */
  | { readonly kind: "switch" }
  /** This router becomes active; `force` also while the peer's kernel answers for the VIPs. */
  | { readonly kind: "take"; readonly force: boolean }
  /** This router becomes standby and takes nothing by itself until `take`, or until the peer was active. */
  | { readonly kind: "release" }
  | { readonly kind: "hold" }
  | { readonly kind: "unhold" };

export type Input =
  /** The first input: VIPs with our mark found in the kernel, for adoption (rule 12). */
  | { readonly kind: "start"; readonly adoptable: readonly Vip[] }
  | { readonly kind: "tick" }
  /** A packet that `openHeartbeat` accepted, with the path whose socket it came by. */
  | { readonly kind: "heartbeat"; readonly path: PathName; readonly heartbeat: Heartbeat }
  /** Packets that `openHeartbeat` refused, or that were too many to look at: counted. Absent: one. */
  | {
      readonly kind: "packet-refused";
      readonly path: PathName;
      readonly reason: PacketRefusal | "set-aside";
      readonly count?: number;
    }
  /** At start and at each change. Until it is told, a side has no carrier. */
  | { readonly kind: "carrier"; readonly side: PathName; readonly up: boolean }
  /**
   * When this side last received any frame, and when a neighbour (never the peer) last answered. `askable`: there are
   * neighbours to ask on this side, so that silence means something. To be told at least every interval, and at once
   * for an answer to `ask-neighbours`.
   */
  | {
      readonly kind: "evidence";
      readonly side: PathName;
      readonly askable: boolean;
      readonly lastFrameAtMs?: number;
      readonly lastNeighbourAtMs?: number;
    }
  /** The MACs of this router's interfaces that carry VIPs. At start and at each change. */
  | {
      readonly kind: "own-macs";
      readonly macs: readonly { readonly interface: string; readonly mac: MacAddress }[];
    }
  /** Somebody answered for a VIP: an answer to `ask-owner`, or an announcement seen on the wire that is not ours. */
  | {
      readonly kind: "owner-answer";
      readonly address: IpAddress;
      readonly mac: MacAddress;
      readonly interface: string;
      /** Said to others or to all, not in answer to a question of this router. */
      readonly announced?: true;
    }
  /** The peer's own address of this side was answered for by this MAC: its kernel lives, and frames pass both ways there. */
  | { readonly kind: "peer-answer"; readonly side: PathName; readonly mac: MacAddress }
  /** A heartbeat of the peer's MAC came by on the wire, whether it was accepted or not. */
  | ({ readonly kind: "peer-frame" } & PeerFrame)
  /** Another machine answered for this router's own address of a side. */
  | { readonly kind: "twin"; readonly side: PathName; readonly mac: MacAddress }
  /** The machine around the VIPs: at start and at each change. */
  | { readonly kind: "surroundings"; readonly surroundings: Surroundings }
  /** As `evidence`, for an interface that carries VIPs and is neither side's. */
  | {
      readonly kind: "interface-evidence";
      readonly interface: string;
      readonly askable: boolean;
      readonly lastFrameAtMs?: number;
      readonly lastNeighbourAtMs?: number;
    }
  /** All VIPs in this kernel that are not this daemon's leases: at start and at each change, also when the last one went. */
  | { readonly kind: "foreign-vips"; readonly found: readonly ForeignVip[] }
  /** Whether this kernel has IPVS; told only where there are services. Absent reason: it has. */
  | { readonly kind: "ipvs"; readonly missing?: string }
  /** All gates of the configuration as the balancer finds them, all unknown while it does not answer. */
  | { readonly kind: "gates"; readonly gates: readonly GateReport[] }
  /** The outcome of a `lease` effect, all VIPs of the batch in order. */
  | { readonly kind: "lease-outcome"; readonly batch: number; readonly results: readonly LeaseResult[] }
  | { readonly kind: "remove-outcome"; readonly batch: number; readonly results: readonly RemoveResult[] }
  /** The kernel reported that a VIP went away (RTM_DELADDR), whoever did it; our own removals may be told too. */
  | { readonly kind: "address-removed"; readonly vip: Vip }
  /** A frame for a VIP that this router gave up some time ago still came here. */
  | {
      readonly kind: "stray-frame";
      readonly address: IpAddress;
      readonly mac: MacAddress;
      readonly source: IpAddress;
    }
  /** A neighbour answered an echo request sent from a VIP by the `verify` effect with this `verification`. */
  | {
      readonly kind: "verify-answer";
      readonly verification: number;
      /** The VIP it was sent from. */
      readonly address: IpAddress;
      readonly by: IpAddress;
      readonly elapsedMs: number;
    }
  /** The balancer's table as it is in this kernel. */
  | { readonly kind: "table"; readonly table: TableReport }
  /** How this router's balancer sees the services, in the order of the settings. */
  | { readonly kind: "views"; readonly sights: readonly ServiceSight[] }
  /** The settings of the configuration with this fingerprint, by ascending ids. */
  | { readonly kind: "setting-digests"; readonly fingerprint: string; readonly digests: readonly SettingDigest[] }
  /** How much of the active's connections the standby's kernel knows; never told: planned moves don't wait for it. */
  | {
      readonly kind: "warmth";
      /** Undefined: connections are not synchronised. */
      readonly warmth: WarmthReport | undefined;
      /** The planned move before which the peer's kernel was told of every connection; it waits for that. */
      readonly toldFor?: number;
    }
  /** An operator's orders for real servers were followed by this router's balancer. */
  | { readonly kind: "ordered"; readonly subjects: readonly SharedSubject[] }
  | { readonly kind: "operator"; readonly id: number; readonly command: OperatorCommand }
  /** SIGTERM. A second one gives up waiting: VIPs are removed and the machine exits. */
  | { readonly kind: "stop" }
  | { readonly kind: "reload"; readonly settings: FailoverSettings }
  | { readonly kind: "hook-done"; readonly hook: number; readonly ok: boolean; readonly detail: string };
