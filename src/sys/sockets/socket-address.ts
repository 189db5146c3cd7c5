/** The C structures of socket addresses, from bytes in network order. */
import { assert } from "../../lib/assert.ts";
import { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET } from "../libc/constants.ts";
import { asU16, asU32 } from "../libc/integers.ts";

/** Whether the first byte of a C integer here is its lowest one. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** struct sockaddr_nl (linux/netlink.h). The groups beyond 32 are joined by NETLINK_ADD_MEMBERSHIP instead. */
export function netlinkSocketAddress(): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint16(0, AF_NETLINK, LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/**
 * struct sockaddr_in or sockaddr_in6 (linux/in.h, linux/in6.h).
 * @param address 4 or 16 bytes in network order
 * @param scopeInterfaceIndex for link-local IPv6 addresses, else 0
 */
export function internetSocketAddress(address: Uint8Array, port: number, scopeInterfaceIndex = 0): Uint8Array {
  assert(address.length === 4 || address.length === 16, `an address has 4 or 16 bytes, not ${address.length}`);
  const inet6 = address.length === 16;
  const view = new DataView(new ArrayBuffer(inet6 ? 28 : 16));
  const bytes = new Uint8Array(view.buffer);
  view.setUint16(0, inet6 ? AF_INET6 : AF_INET, LITTLE_ENDIAN);
  view.setUint16(2, asU16(port, "the port"), false);
  bytes.set(address, inet6 ? 8 : 4);
  if (inet6) view.setUint32(24, asU32(scopeInterfaceIndex, "the interface index"), LITTLE_ENDIAN);
  return bytes;
}

/** The port of a sockaddr_in or sockaddr_in6. */
export function portOfSocketAddress(address: Uint8Array): number {
  assert(address.length >= 4, "a socket address has a port");
  return ((address[2] ?? 0) << 8) | (address[3] ?? 0);
}

/** struct sockaddr_ll (linux/if_packet.h): all frames of `etherType` on one interface. */
export function packetSocketAddress(etherType: number, interfaceIndex: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(20));
  view.setUint16(0, AF_PACKET, LITTLE_ENDIAN);
  view.setUint16(2, asU16(etherType, "the Ethernet type"), false);
  view.setInt32(4, asU32(interfaceIndex, "the interface index"), LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}
