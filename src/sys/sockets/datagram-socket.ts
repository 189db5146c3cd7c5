/** Connected sockets of probes that exchange datagrams: UDP, and ICMP echo. */
import {
  AF_INET,
  AF_INET6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "../libc/constants.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { libc, readErrno } from "../libc/libc.ts";
import { leaveBy, type Route } from "./route-options.ts";
import { openSocket } from "./socket.ts";
import { internetSocketAddress } from "./socket-address.ts";
import { attachFilter } from "./socket-filter.ts";
import type { ConnectStart } from "./tcp-socket.ts";

/** RFC 768: the kernel counts the header when it filters. */
const UDP_HEADER_BYTES = 8;

function connectTo(fd: Fd, address: Uint8Array, port: number): ConnectStart {
  const to = internetSocketAddress(address, port);
  if (libc().connect(fd, to, to.length) === 0) return { kind: "connecting", fd };
  const errno = readErrno();
  closeFd(fd);
  return { kind: "failed", errno };
}

/**
 * A UDP socket that talks to one address only, and learns of ICMP messages from there. Empty datagrams are dropped: the
 * event loop would take one for the end.
 * @throws SyscallError when there is no socket to be had, or it may not leave by that route.
 */
export function connectUdp(address: Uint8Array, port: number, route: Route): ConnectStart {
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const fd = openSocket(family, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP, "open a UDP socket");
  leaveBy(fd, route, "open a UDP socket");
  attachFilter(fd, [[{ at: "length", bytes: 4, is: "at-least", value: UDP_HEADER_BYTES + 1 }]]);
  return connectTo(fd, address, port);
}

/**
 * A socket for echo messages with one address: without rights where `net.ipv4.ping_group_range` allows it, else raw.
 * @returns whether it is raw: then the checksum is ours to make, and IPv4 answers come with their IP header.
 * @throws SyscallError EPERM.
 */
export function connectPing(
  address: Uint8Array,
  route: Route,
): { readonly start: ConnectStart; readonly raw: boolean } {
  const [family, protocol] = address.length === 4 ? [AF_INET, IPPROTO_ICMP] : [AF_INET6, IPPROTO_ICMPV6];
  const { fd, raw } = openPing(family, protocol);
  leaveBy(fd, route, "open an ICMP socket");
  return { start: connectTo(fd, address, 0), raw };
}

function openPing(family: number, protocol: number): { readonly fd: Fd; readonly raw: boolean } {
  const operation = "open an ICMP socket";
  const hint = "Run it as root, with CAP_NET_RAW, or widen the sysctl net.ipv4.ping_group_range.";
  try {
    return { fd: openSocket(family, SOCK_RAW | SOCK_NONBLOCK, protocol, operation), raw: true };
  } catch {
    // Not permitted: then the kind of socket that may be.
    return { fd: openSocket(family, SOCK_DGRAM | SOCK_NONBLOCK, protocol, operation, hint), raw: false };
  }
}
