/** UDP sockets for heartbeats: bound to one interface, marked as network control, filtered in the kernel. */
import { assert } from "../../lib/assert.ts";
import {
  AF_INET,
  AF_INET6,
  IFNAMSIZ,
  IP_FREEBIND,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_FREEBIND,
  IPV6_TCLASS,
  IPV6_V6ONLY,
  SO_BINDTODEVICE,
  SO_PRIORITY,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  TC_PRIO_CONTROL,
  TC_PRIO_INTERACTIVE,
  TRAFFIC_CLASS_CS6,
} from "../libc/constants.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { bindSocket, openSocket, setSocketOption, trySocketOption } from "./socket.ts";
import { internetSocketAddress } from "./socket-address.ts";
import { attachFilter, type FilterClause, fieldEquals, IP_HEADER_OFFSET } from "./socket-filter.ts";

export interface UdpSocketOptions {
  /** The interface that datagrams come from and leave by, whatever the routes say; absent: any. */
  readonly interface?: string;
  /** 4 or 16 bytes. The address need not be there yet. */
  readonly local: Uint8Array;
  /** 0: the kernel chooses one. */
  readonly port: number;
  /** For link-local addresses, else 0. */
  readonly scopeInterfaceIndex?: number;
  /** Only datagrams from this address are received. */
  readonly peer: Uint8Array;
  /** Only datagrams of such a length are received; at least 1, because an empty one would end a watch. */
  readonly lengthBytes: { readonly min: number; readonly max: number };
}

const OPERATION = "open a UDP socket";
const UDP_HEADER_BYTES = 8;
/** Offsets of the source address: RFC 791 section 3.1, RFC 8200 section 3. */
const SOURCE_OFFSET = { 4: 12, 16: 8 } as const;

/** What passes: packets of a UDP socket begin with the UDP header, and count it in their length. */
function heartbeatFilter(options: UdpSocketOptions): FilterClause {
  const { min, max } = options.lengthBytes;
  assert(min >= 1 && min <= max, "a watched UDP socket must not get empty datagrams");
  const sourceOffset = options.peer.length === 4 ? SOURCE_OFFSET[4] : SOURCE_OFFSET[16];
  return [
    { at: "length", bytes: 4, is: "at-least", value: min + UDP_HEADER_BYTES },
    { at: "length", bytes: 4, is: "at-most", value: max + UDP_HEADER_BYTES },
    ...fieldEquals(IP_HEADER_OFFSET + sourceOffset, options.peer),
  ];
}

/** The name of an interface with its NUL. @throws RangeError when it does not fit. */
function interfaceName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${name}\0`);
  if (bytes.length < 2 || bytes.length > IFNAMSIZ || name.includes("\0")) {
    throw new RangeError(`${JSON.stringify(name)} is not the name of an interface`);
  }
  return bytes;
}

function markAsControlTraffic(fd: Fd, inet6: boolean): void {
  trySocketOption(fd, inet6 ? IPPROTO_IPV6 : IPPROTO_IP, inet6 ? IPV6_TCLASS : IP_TOS, TRAFFIC_CLASS_CS6);
  // After the traffic class, which sets a priority as well (net/ipv4/ip_sockglue.c).
  if (!trySocketOption(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL)) {
    trySocketOption(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_INTERACTIVE);
  }
}

/**
 * Opens and binds a non-blocking UDP socket.
 * @throws SyscallError: ENODEV without that interface, EADDRINUSE when the port is taken.
 */
export function openUdpSocket(options: UdpSocketOptions): Fd {
  const { local, port, peer } = options;
  assert(local.length === peer.length, "both ends of a UDP socket have addresses of the same family");
  const inet6 = local.length === 16;
  const fd = openSocket(inet6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP, OPERATION);
  try {
    if (options.interface !== undefined) {
      setSocketOption(
        fd,
        SOL_SOCKET,
        SO_BINDTODEVICE,
        interfaceName(options.interface),
        OPERATION,
        `on ${options.interface}`,
      );
    }
    if (inet6) setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, OPERATION);
    trySocketOption(fd, inet6 ? IPPROTO_IPV6 : IPPROTO_IP, inet6 ? IPV6_FREEBIND : IP_FREEBIND, 1);
    markAsControlTraffic(fd, inet6);
    attachFilter(fd, [heartbeatFilter(options)]);
    bindSocket(fd, internetSocketAddress(local, port, options.scopeInterfaceIndex), OPERATION, `on port ${port}`);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}
