/**
 * The IPVS family of generic netlink as the kernel's header has it (linux/ip_vs.h): commands, attributes, bits.
 * What they mean is read and written in ipvs-service.ts, ipvs-server.ts and ipvs-daemon.ts.
 */
import {
  type Attributes,
  attributes,
  be16,
  be32,
  bytes,
  cstring,
  flagsAndMask,
  u8,
  u16,
  u32,
  u64,
} from "../netlink/netlink-attributes.ts";

export const IPVS_GENL_NAME = "IPVS";
export const IPVS_GENL_VERSION = 1;

/** enum { IPVS_CMD_* } */
export const IPVS_CMD = {
  newService: 1,
  setService: 2,
  deleteService: 3,
  getService: 4,
  newDestination: 5,
  setDestination: 6,
  deleteDestination: 7,
  getDestination: 8,
  newDaemon: 9,
  deleteDaemon: 10,
  getDaemon: 11,
  setConfig: 12,
  getConfig: 13,
  /** Only in the answer to `getInfo`. */
  setInfo: 14,
  getInfo: 15,
  zero: 16,
  flush: 17,
} as const;

/** enum { IPVS_STATS_ATTR_* } in the nest with 32 bits: only bytes are 64 bits wide. */
const stats32 = attributes("IPVS_STATS_ATTR", {
  connections: [1, u32],
  packetsIn: [2, u32],
  packetsOut: [3, u32],
  bytesIn: [4, u64],
  bytesOut: [5, u64],
  connectionsPerSecond: [6, u32],
  packetsInPerSecond: [7, u32],
  packetsOutPerSecond: [8, u32],
  bytesInPerSecond: [9, u32],
  bytesOutPerSecond: [10, u32],
});

/** The same with 64 bits throughout, since Linux 4.1. */
const stats64 = attributes("IPVS_STATS_ATTR", {
  connections: [1, u64],
  packetsIn: [2, u64],
  packetsOut: [3, u64],
  bytesIn: [4, u64],
  bytesOut: [5, u64],
  connectionsPerSecond: [6, u64],
  packetsInPerSecond: [7, u64],
  packetsOutPerSecond: [8, u64],
  bytesInPerSecond: [9, u64],
  bytesOutPerSecond: [10, u64],
});
export type Stats32Attributes = Attributes<typeof stats32>;
export type Stats64Attributes = Attributes<typeof stats64>;

/** enum { IPVS_SVC_ATTR_* } */
const serviceFields = {
  family: [1, u16],
  protocol: [2, u16],
  /** Union nf_inet_addr, 16 bytes from the kernel; it takes 4 for IPv4. */
  address: [3, bytes],
  port: [4, be16],
  fwmark: [5, u32],
  scheduler: [6, cstring],
  flags: [7, flagsAndMask],
  timeoutSeconds: [8, u32],
  /** IPv4: the mask in network order. IPv6: the length of the prefix in the machine's order. */
  netmask: [9, be32],
  persistenceEngine: [11, cstring],
} as const;

export const serviceAttributes = attributes("IPVS_SVC_ATTR", {
  ...serviceFields,
  stats: [10, stats32],
  stats64: [12, stats64],
});
export type ServiceAttributes = Attributes<typeof serviceAttributes>;

/** enum { IPVS_DEST_ATTR_* } */
export const destinationAttributes = attributes("IPVS_DEST_ATTR", {
  address: [1, bytes],
  port: [2, be16],
  forwardingMethod: [3, u32],
  weight: [4, u32],
  upperThreshold: [5, u32],
  lowerThreshold: [6, u32],
  activeConnections: [7, u32],
  inactiveConnections: [8, u32],
  persistentConnections: [9, u32],
  addressFamily: [11, u16],
  tunnelType: [13, u8],
  tunnelPort: [14, be16],
  tunnelFlags: [15, u16],
  stats: [10, stats32],
  stats64: [12, stats64],
});
export type DestinationAttributes = Attributes<typeof destinationAttributes>;

/** enum { IPVS_DAEMON_ATTR_* } */
export const daemonAttributes = attributes("IPVS_DAEMON_ATTR", {
  state: [1, u32],
  interface: [2, cstring],
  syncId: [3, u32],
  maxLengthBytes: [4, u16],
  group: [5, bytes],
  group6: [6, bytes],
  port: [7, u16],
  ttl: [8, u8],
});
export type DaemonAttributes = Attributes<typeof daemonAttributes>;

/** enum { IPVS_CMD_ATTR_* }: the outermost level. */
export const commandAttributes = attributes("IPVS_CMD_ATTR", {
  service: [1, serviceAttributes],
  destination: [2, destinationAttributes],
  daemon: [3, daemonAttributes],
  tcpTimeoutSeconds: [4, u32],
  tcpFinTimeoutSeconds: [5, u32],
  udpTimeoutSeconds: [6, u32],
});

/** The answer with one service, its counters skipped: they are two thirds of the bytes. */
export const plainServiceAnswer = attributes("IPVS_CMD_ATTR", {
  service: [1, attributes("IPVS_SVC_ATTR", serviceFields)],
});
export type CommandAttributes = Attributes<typeof commandAttributes>;

/** enum { IPVS_INFO_ATTR_* }: the outermost level of the answer to `getInfo`. */
export const infoAttributes = attributes("IPVS_INFO_ATTR", {
  version: [1, u32],
  connectionTableSize: [2, u32],
});

/** Bits of a service. HASHED (0x2) is the kernel's own. */
export const IP_VS_SVC_F_PERSISTENT = 0x01;
export const IP_VS_SVC_F_ONEPACKET = 0x04;
/** IP_VS_SVC_F_SCHED1, 2, 3 in the order of the model's scheduler flags. */
export const IP_VS_SVC_F_SCHEDULER = [0x08, 0x10, 0x20] as const;

/** IP_VS_CONN_F_MASQ, LOCALNODE, TUNNEL, DROUTE, BYPASS: the forwarding methods by their numbers. */
export const FORWARDING_METHODS = ["nat", "local", "tunnel", "direct", "bypass"] as const;

export const IP_VS_TUNNEL_ENCAP_FLAG_CSUM = 0x1;
export const IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM = 0x2;

/** IP_VS_STATE_*: what a sync daemon does. */
export const IP_VS_STATE_MASTER = 1;
export const IP_VS_STATE_BACKUP = 2;

/** linux/in.h: the protocols that IPVS balances. */
export const IP_PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const;
