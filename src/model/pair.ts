import type { IpAddress } from "./address.ts";

/** Which router of the configuration this is; it never changes. */
export type RouterId = "primary" | "backup";
/** The role a router has now. */
export type Role = "active" | "standby";
/** The two ways between the routers, and the two sides of each router. */
export const PATHS = ["public", "private"] as const;
export type PathName = (typeof PATHS)[number];

export function otherRouter(router: RouterId): RouterId {
  return router === "primary" ? "backup" : "primary";
}

/** One router of the pair as configured. */
export interface RouterAddresses {
  readonly name: string;
  readonly public: IpAddress;
  readonly private: IpAddress;
}

export interface PairSettings {
  readonly keyFile: string;
  readonly intervalMs: number;
  readonly deadAfterMs: number;
  readonly failback: "automatic" | "manual";
  /** How long a returned primary must be ready before it gets its role back by itself. */
  readonly failbackAfterMs: number;
  readonly leaseMs: number;
  readonly port: number;
  readonly primary: RouterAddresses;
  readonly backup: RouterAddresses;
  /** Addresses whose answers count as evidence; empty: the gateways of the route table and the real servers. */
  readonly neighbours: readonly IpAddress[];
  /** What SIGTERM does without a live peer. */
  readonly stop: "release" | "keep";
  /** What a better view of the standby leads to. */
  readonly views: "warn" | "act";
}
