import type { RouteSurvey } from "../../kernel/addresses/route-client.ts";
import type { SyncDaemon } from "../../model/sync-daemon.ts";
import type { Vip } from "../../model/vip.ts";
import type { NetworkSurvey } from "../network/network-survey.ts";
import type { ChangedSetting } from "../settings/promotion.ts";

/**
 * What the router's main thread and its kernel thread say to each other. A change of addresses, or of sync daemons, can
 * wait for the kernel's RTNL lock for seconds, and so can a dump: the thread that sends heartbeats makes none of them.
 */
export type KernelWork =
  /** Sets the VIPs where they are absent and renews them where they are present. */
  | {
      readonly kind: "lease";
      readonly vips: readonly Vip[];
      readonly validSeconds: number | "forever";
      /**
       * All VIPs were there until this monotonic time at least: later, one that is missing is not set again, since
       * its lease has run out and the peer may have it. Absent: they are to be set.
       */
      readonly presentUntilMs?: number;
    }
  /** Takes the VIPs out of the kernel, whoever has set them and in whatever form, but for those on the loopback. */
  | {
      readonly kind: "drop";
      readonly vips: readonly Vip[];
      /** Addresses, as texts, that are no VIPs any more: only this program's lease of them goes. */
      readonly leaseOnly?: readonly string[];
    }
  /** These VIPs may have to be set soon: what has to be read for that is read now. Changes nothing. */
  | { readonly kind: "prepare"; readonly vips: readonly Vip[] }
  /** The sync daemons that should run; others that this thread started are stopped. */
  | { readonly kind: "sync"; readonly daemons: readonly SyncDaemon[] }
  /** Reads links and addresses as they are now. */
  | { readonly kind: "survey" }
  /** Reads the routes as they are now: tens of thousands of them on some routers, so it is asked for by itself. */
  | { readonly kind: "routes" };

export type KernelRequest = KernelWork & { readonly id: number };

/** What became of one VIP or sync daemon. `lapsed`: its lease had run out, nothing was set. */
export type KernelOutcome =
  | { readonly kind: "created" | "renewed" | "lapsed" | "removed" | "absent" | "started" | "prepared" }
  | { readonly kind: "failed"; readonly reason: string };

export interface KernelAnswer {
  readonly id: number;
  /** In the order of the request. */
  readonly outcomes: readonly KernelOutcome[];
  /** Of a survey that went well; the same for routes. */
  readonly survey?: NetworkSurvey;
  readonly routes?: RouteSurvey;
  /** Kernel settings that were changed on the way, to be given back at the end. */
  readonly settings?: readonly ChangedSetting[];
  /** How long the kernel took. */
  readonly elapsedMs: number;
}
