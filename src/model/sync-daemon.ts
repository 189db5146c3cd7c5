import type { IpAddress } from "./address.ts";

export const SYNC_DAEMON_STATES = ["master", "backup"] as const;
/** `master` sends connections to the other router, `backup` learns them; a router may run both. */
export type SyncDaemonState = (typeof SYNC_DAEMON_STATES)[number];

/** The kernel's connection synchronisation on one interface. What is absent is the kernel's default. */
export interface SyncDaemon {
  readonly state: SyncDaemonState;
  /** At most 15 bytes. */
  readonly interface: string;
  /** 0 to 255. A backup daemon takes messages of its own id only; 0 takes all. */
  readonly syncId: number;
  /** The longest UDP payload; the kernel's default is the interface's MTU less the headers. */
  readonly maxLengthBytes?: number;
  /** Multicast group; the kernel's default is 224.0.0.81. */
  readonly group?: IpAddress;
  /** First UDP port; the kernel's default is 8848. */
  readonly port?: number;
  /** 1 to 255; the kernel's default is 1. */
  readonly ttl?: number;
}

/** How long idle connections stay in the kernel's table, whole seconds. For a change, 0 leaves one as it is. */
export interface ConnectionTimeouts {
  readonly tcpSeconds: number;
  readonly tcpFinSeconds: number;
  readonly udpSeconds: number;
}

/** Whether a sync daemon may use it as its group: 224.0.0.0/4 (RFC 5771), ff00::/8 (RFC 4291). */
export function isMulticast(address: IpAddress): boolean {
  return address.family === "inet" ? /^(?:22[4-9]|23\d)\./.test(address.text) : /^ff..:/.test(address.text);
}
