import type { Endpoint } from "./address.ts";
import type { RealServer } from "./real-server.ts";
import type { ServiceKey, VirtualService } from "./virtual-service.ts";

/** Counters since the service was made or zeroed; bigint since the kernel counts in 64 bits. */
export interface TrafficStats {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
  /** Rates as the kernel estimates them, per second. */
  readonly connectionsPerSecond: bigint;
  readonly packetsInPerSecond: bigint;
  readonly packetsOutPerSecond: bigint;
  readonly bytesInPerSecond: bigint;
  readonly bytesOutPerSecond: bigint;
}

/** The counters of what was just made, or is not counted. */
export const NO_TRAFFIC: TrafficStats = {
  connections: 0n,
  packetsIn: 0n,
  packetsOut: 0n,
  bytesIn: 0n,
  bytesOut: 0n,
  connectionsPerSecond: 0n,
  packetsInPerSecond: 0n,
  packetsOutPerSecond: 0n,
  bytesInPerSecond: 0n,
  bytesOutPerSecond: 0n,
};

/** A real server as the kernel has it now. */
export interface ObservedServer {
  readonly server: RealServer;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly stats: TrafficStats;
}

/** A virtual service as the kernel has it now, with its real servers in the kernel's order. */
export interface ObservedService {
  readonly service: VirtualService;
  readonly servers: readonly ObservedServer[];
  readonly stats: TrafficStats;
}

/** A virtual service as it should be. */
export interface WantedService {
  readonly service: VirtualService;
  readonly servers: readonly RealServer[];
}

/** One message to the kernel. A plan is an ordered list of these; each is acknowledged by itself. */
export type IpvsChange =
  | { readonly kind: "add-service" | "edit-service"; readonly service: VirtualService }
  | { readonly kind: "delete-service"; readonly key: ServiceKey }
  | { readonly kind: "add-server" | "edit-server"; readonly key: ServiceKey; readonly server: RealServer }
  | { readonly kind: "delete-server"; readonly key: ServiceKey; readonly endpoint: Endpoint }
  | { readonly kind: "zero"; readonly key?: ServiceKey };
