/**
 * What leaves the failover machine: things to do, in the order of the list. A loop that cannot do one says so by an
 * input where failover-input.ts has one for it; all others are best effort.
 *
 * Orders that matter: `persist` before what follows it (no wait for the disk needed); `set-balancing` before `lease`;
 * `lease` and `remove` go to one thread in the order given, so that a removal always follows an earlier lease.
 */
import type { MacAddress } from "../../model/mac-address.ts";
import type { PathName, Role } from "../../model/pair.ts";
import type { SharedEntry } from "../../model/shared-entry.ts";
import type { Vip } from "../../model/vip.ts";
import type { Heartbeat, SyncAnswer } from "../../wire/heartbeat/heartbeat.ts";
import type { Cause, Transition } from "./history.ts";

/** What must outlive the process. `StoredState` at the next start. */
export interface StoredState {
  readonly term: number;
  readonly lastActiveTerm: number;
  readonly hold: boolean;
  /** An operator released this router; absent: not. */
  readonly abstaining?: boolean;
  /** The peer's MACs by interface as last told by its heartbeats, so that its kernel can be asked after our restart. */
  readonly peerMacs: readonly { readonly interface: string; readonly mac: MacAddress }[];
  /** Rule 13: how long the primary has to be stable, after doubling; absent: as configured. */
  readonly failbackStableMs?: number;
}

export interface OwnerQuestion {
  readonly vip: Vip;
  /** Whom to ask, by unicast; absent when the peer's MAC was never known: ask by broadcast, from the own address. */
  readonly mac?: MacAddress;
}

/** Whether the peer's kernel answers at all: a question for its own address of a side. */
export interface PeerQuestion {
  readonly side: PathName;
  /** By unicast to this MAC; absent: by broadcast, to learn it. */
  readonly mac?: MacAddress;
}

export const WARNINGS = [
  "path-lost",
  "path-back",
  "peer-late",
  "peer-silent",
  "peer-back",
  "peer-restarted",
  "peer-keeps-addresses",
  "address-conflict",
  "conflict-over",
  "address-removed",
  "address-added",
  "second-owner",
  "address-removed-often",
  "lease-failed",
  "lease-lapsed",
  "remove-failed",
  "side-blind",
  "side-seen",
  "alone",
  "two-actives",
  "slept",
  "config-differs",
  "config-same",
  "move-refused",
  "move-failed",
  "release-over",
  "not-verifiable",
  "verified",
  "hook-failed",
  "no-carrier",
  "order-heard",
  "stray-frames",
  "views-differ",
  "views-agree",
  "move-cold",
  "fit",
  "unfit",
  "worse-place",
  "mac-changed",
  "twin",
  "foreign-vip",
  "unprovable",
  "provable",
] as const;
/** The name of a log line; its text is for people. */
export type NoticeName = (typeof WARNINGS)[number];

export type Effect =
  /** Encode with `sealHeartbeat` and send at once on this path. */
  | { readonly kind: "send-heartbeat"; readonly path: PathName; readonly heartbeat: Heartbeat }
  /** One netlink batch in this order, `validMs` of lifetime each; answered by `lease-outcome`. */
  | { readonly kind: "lease"; readonly batch: number; readonly vips: readonly Vip[]; readonly validMs: number }
  /** Answered by `remove-outcome`. */
  | { readonly kind: "remove"; readonly batch: number; readonly vips: readonly Vip[] }
  /**
   * One ARP request or neighbour solicitation for each question, without waiting, in the order of the lists: from the
   * interface's own address, and for IPv4 by unicast a second one from 0.0.0.0 (rule 18).
   */
  | {
      readonly kind: "ask-owner";
      readonly attempt: number;
      readonly questions: readonly OwnerQuestion[];
      readonly peer: readonly PeerQuestion[];
    }
  /** Probe the neighbours of both sides now; answers come as `evidence`. */
  | { readonly kind: "ask-neighbours" }
  /** ARP request and reply form (or neighbour advertisement), broadcast; with `unicast` also to gateways, real servers and peer. */
  | { readonly kind: "announce"; readonly vips: readonly Vip[]; readonly unicast: boolean }
  /** One echo request from each of these VIPs to the neighbours of its side; answers carry `verification`. */
  | { readonly kind: "verify"; readonly verification: number; readonly vips: readonly Vip[] }
  /** `active`: backup_only 0, master daemon …; `standby`: backup_only 1 (rule 10). */
  | { readonly kind: "set-balancing"; readonly role: Role }
  | { readonly kind: "persist"; readonly stored: StoredState }
  /** What operators ordered, the newest first: `Boot.shared` at the next start. */
  | { readonly kind: "persist-shared"; readonly entries: readonly SharedEntry[] }
  /** The orders for real servers that hold: what this router's balancer has to follow in place of what it knew. */
  | { readonly kind: "orders"; readonly orders: readonly SharedEntry[] }
  /** What the peer's kernel knows of the connections (rule 10), from a heartbeat that counted. */
  | { readonly kind: "hear-connections"; readonly answer: SyncAnswer }
  /** The peer has another configuration: what is compared with it. Answered by `setting-digests`. */
  | { readonly kind: "digest-settings" }
  | { readonly kind: "record"; readonly transition: Transition }
  | {
      readonly kind: "notice";
      readonly level: "info" | "warn" | "error";
      readonly name: NoticeName;
      /** A sentence without a full stop. */
      readonly text: string;
    }
  /** Answered by `hook-done`; `takeover` is a step that is waited for. */
  | {
      readonly kind: "run-hook";
      readonly hook: number;
      readonly name: Role | "takeover";
      readonly causes: readonly Cause[];
    }
  /** The final answer to an operator's command. */
  | { readonly kind: "answer"; readonly id: number; readonly ok: boolean; readonly text: string }
  /** All is handed over, released or left: the process may end now. */
  | { readonly kind: "exit" };
