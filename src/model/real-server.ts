import { type Endpoint, formatEndpoint } from "./address.ts";

export const FORWARDINGS = ["nat", "direct", "tunnel"] as const;
/** How packets reach the real server. `local` is only ever seen: the kernel uses it for an address of its own. */
export type Forwarding = (typeof FORWARDINGS)[number];
export type ObservedForwarding = Forwarding | "local" | "bypass";

export const TUNNEL_TYPES = ["ipip", "gue", "gre"] as const;
export interface Tunnel {
  readonly type: (typeof TUNNEL_TYPES)[number];
  /** UDP port of gue; 0 otherwise. */
  readonly port: number;
  /** Checksums in the tunnel header: none, the full one, or remote checksum offload (gue). */
  readonly checksum: "none" | "full" | "remote";
}

/** IPVS keeps a weight in a signed 32-bit integer (net/netfilter/ipvs/ip_vs_ctl.c). */
export const WEIGHT_MAX = 0x7fff_ffff;
/**
 * Thresholds are unsigned 32-bit numbers in the message (IPVS_DEST_ATTR_U_THRESH, linux/ip_vs.h), and Linux 6.12 refuses
 * those above INT_MAX, as ipvsadm always has; 6.1 takes and shows them.
 */
export const THRESHOLD_MAX = 0x7fff_ffff;

/** A machine behind a virtual service, as the kernel should have it. Its key within the service is its endpoint. */
export interface RealServer {
  readonly endpoint: Endpoint;
  readonly forward: ObservedForwarding;
  /** 0 to `WEIGHT_MAX`; 0 gets no new connections. */
  readonly weight: number;
  /** New work stops at this many connections (0 is no limit) and starts again below `lowerThreshold`; to `THRESHOLD_MAX`. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly tunnel?: Tunnel;
}

/** The key of a real server within its service: `10.0.0.11:80`. */
export function realServerKey(server: { readonly endpoint: Endpoint }): string {
  return formatEndpoint(server.endpoint);
}
