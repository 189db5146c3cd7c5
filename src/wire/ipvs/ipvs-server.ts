/** Real servers and counters between the model and the attributes of IPVS. */
import { DecodeError } from "../../lib/errors.ts";
import { addressBytes, type Endpoint, type Family } from "../../model/address.ts";
import { NO_TRAFFIC, type ObservedServer, type TrafficStats } from "../../model/ipvs-table.ts";
import { type RealServer, TUNNEL_TYPES, type Tunnel, WEIGHT_MAX } from "../../model/real-server.ts";
import { familyNumber, familyOf, readInetAddress, required } from "../bytes/inet-address.ts";
import {
  type DestinationAttributes,
  FORWARDING_METHODS,
  IP_VS_TUNNEL_ENCAP_FLAG_CSUM,
  IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM,
  type Stats32Attributes,
  type Stats64Attributes,
} from "./ipvs-numbers.ts";

const NO_TUNNEL: Tunnel = { type: "ipip", port: 0, checksum: "none" };

/** What names a real server within its service. */
export function endpointAttributes(endpoint: Endpoint): DestinationAttributes {
  return {
    address: addressBytes(endpoint.address),
    port: endpoint.port,
    addressFamily: familyNumber(endpoint.address.family),
  };
}

/** Everything about a real server. The kernel takes an edit only whole. @throws RangeError for a weight out of range. */
export function realServerAttributes(server: RealServer): DestinationAttributes {
  if (server.weight > WEIGHT_MAX) throw new RangeError(`weight ${server.weight} is over ${WEIGHT_MAX}`);
  const { tunnel } = server;
  return {
    address: addressBytes(server.endpoint.address),
    port: server.endpoint.port,
    forwardingMethod: FORWARDING_METHODS.indexOf(server.forward),
    weight: server.weight,
    upperThreshold: server.upperThreshold,
    lowerThreshold: server.lowerThreshold,
    addressFamily: familyNumber(server.endpoint.address.family),
    // Absent attributes are 0 to the kernel: ipip without port and checksum.
    tunnelType: tunnel === undefined ? undefined : TUNNEL_TYPES.indexOf(tunnel.type),
    tunnelPort: tunnel?.port,
    tunnelFlags: tunnel === undefined ? undefined : tunnelFlags(tunnel),
  };
}

function tunnelFlags(tunnel: Tunnel): number {
  if (tunnel.checksum === "full") return IP_VS_TUNNEL_ENCAP_FLAG_CSUM;
  return tunnel.checksum === "remote" ? IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM : 0;
}

/**
 * A real server. `tunnel` is absent where it would say what its absence says: ipip without a port or checksums.
 * @param serviceFamily The family of kernels before 3.18, which do not send one.
 * @throws DecodeError that names the attribute which is missing or makes no sense.
 */
export function toRealServer(attributes: DestinationAttributes, serviceFamily: Family): RealServer {
  const { addressFamily } = attributes;
  const family = addressFamily === undefined ? serviceFamily : familyOf(addressFamily, "addressFamily");
  const method = required(attributes.forwardingMethod, "forwardingMethod");
  const forward = FORWARDING_METHODS[method];
  if (forward === undefined) throw new DecodeError("forwardingMethod", `${method} is not a forwarding method`);
  const tunnel = forward === "tunnel" ? toTunnel(attributes) : undefined;
  return {
    endpoint: {
      address: readInetAddress(family, required(attributes.address, "address"), "address"),
      port: required(attributes.port, "port"),
    },
    forward,
    weight: required(attributes.weight, "weight"),
    upperThreshold: attributes.upperThreshold ?? 0,
    lowerThreshold: attributes.lowerThreshold ?? 0,
    ...(tunnel === undefined ? {} : { tunnel }),
  };
}

function toTunnel(attributes: DestinationAttributes): Tunnel | undefined {
  const number = attributes.tunnelType ?? 0;
  const type = TUNNEL_TYPES[number];
  if (type === undefined) throw new DecodeError("tunnelType", `${number} is not a tunnel type`);
  const tunnel = { type, port: attributes.tunnelPort ?? 0, checksum: toChecksum(attributes.tunnelFlags ?? 0) };
  const isDefault =
    tunnel.type === NO_TUNNEL.type && tunnel.port === NO_TUNNEL.port && tunnel.checksum === NO_TUNNEL.checksum;
  return isDefault ? undefined : tunnel;
}

function toChecksum(flags: number): Tunnel["checksum"] {
  // With both bits the kernel takes the remote one (ip_vs_xmit.c, ipvs_gue_encap).
  if ((flags & IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM) !== 0) return "remote";
  return (flags & IP_VS_TUNNEL_ENCAP_FLAG_CSUM) === 0 ? "none" : "full";
}

/** A real server with its connections and counters. @throws DecodeError */
export function toObservedServer(attributes: DestinationAttributes, serviceFamily: Family): ObservedServer {
  return {
    server: toRealServer(attributes, serviceFamily),
    activeConnections: attributes.activeConnections ?? 0,
    inactiveConnections: attributes.inactiveConnections ?? 0,
    persistentConnections: attributes.persistentConnections ?? 0,
    stats: toTrafficStats(attributes),
  };
}

/** The 64-bit counters, else the 32-bit ones of old kernels, else zeros. */
export function toTrafficStats(attributes: {
  readonly stats?: Stats32Attributes | undefined;
  readonly stats64?: Stats64Attributes | undefined;
}): TrafficStats {
  const stats = attributes.stats64 ?? attributes.stats;
  if (stats === undefined) return NO_TRAFFIC;
  return {
    connections: BigInt(stats.connections ?? 0),
    packetsIn: BigInt(stats.packetsIn ?? 0),
    packetsOut: BigInt(stats.packetsOut ?? 0),
    bytesIn: stats.bytesIn ?? 0n,
    bytesOut: stats.bytesOut ?? 0n,
    connectionsPerSecond: BigInt(stats.connectionsPerSecond ?? 0),
    packetsInPerSecond: BigInt(stats.packetsInPerSecond ?? 0),
    packetsOutPerSecond: BigInt(stats.packetsOutPerSecond ?? 0),
    bytesInPerSecond: BigInt(stats.bytesInPerSecond ?? 0),
    bytesOutPerSecond: BigInt(stats.bytesOutPerSecond ?? 0),
  };
}
