import type { Vip } from "../model/vip.ts";

/**
 * What the router's main thread and its address thread say to each other. An address change can wait for the kernel's
 * RTNL lock for seconds, so the thread that sends heartbeats never makes one (design: two processes, one Worker).
 */
export type KernelRequest =
  | {
      readonly id: number;
      /** `take`: set the VIPs where they are absent. `renew`: they should be there; one just created had been lost. */
      readonly kind: "take" | "renew";
      readonly vips: readonly Vip[];
      readonly validSeconds: number | "forever";
    }
  | { readonly id: number; readonly kind: "drop"; readonly vips: readonly Vip[] };

/** What became of one VIP. */
export type AddressOutcome =
  | { readonly kind: "created" | "renewed" | "removed" | "absent" }
  | { readonly kind: "failed"; readonly reason: string };

export interface KernelAnswer {
  readonly id: number;
  /** In the order of the request's VIPs. */
  readonly outcomes: readonly AddressOutcome[];
  /** How long the kernel took. */
  readonly elapsedMs: number;
}
