/** UDP sockets that send to a multicast group by one interface, and don't hear what they send. */
import { assert } from "../../lib/assert.ts";
import {
  AF_INET,
  AF_INET6,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../libc/constants.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { connectSocket, openSocket, setSocketOption } from "./socket.ts";
import { internetSocketAddress } from "./socket-address.ts";

export interface MulticastOptions {
  /** 4 or 16 bytes. */
  readonly group: Uint8Array;
  readonly port: number;
  readonly interfaceIndex: number;
  /** How many routers it may pass, and one more. */
  readonly ttl: number;
}

const OPERATION = "open a multicast socket";

/** struct ip_mreqn (linux/in.h): group, own address, both unused here, and the index of the interface. */
function interfaceRequest(interfaceIndex: number): Uint8Array {
  const request = new Uint8Array(12);
  request.set(new Uint8Array(new Int32Array([interfaceIndex]).buffer), 8);
  return request;
}

/**
 * Opens a non-blocking socket that is connected to the group.
 * @throws SyscallError: ENODEV without that interface, ENETUNREACH when it has no address.
 */
export function openMulticastSocket({ group, port, interfaceIndex, ttl }: MulticastOptions): Fd {
  assert(interfaceIndex > 0, "a multicast socket has an interface");
  const inet6 = group.length === 16;
  const fd = openSocket(inet6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP, OPERATION);
  const [level, options] = inet6
    ? [IPPROTO_IPV6, { from: IPV6_MULTICAST_IF, ttl: IPV6_MULTICAST_HOPS, loop: IPV6_MULTICAST_LOOP }]
    : [IPPROTO_IP, { from: IP_MULTICAST_IF, ttl: IP_MULTICAST_TTL, loop: IP_MULTICAST_LOOP }];
  try {
    setSocketOption(fd, level, options.from, inet6 ? interfaceIndex : interfaceRequest(interfaceIndex), OPERATION);
    setSocketOption(fd, level, options.ttl, ttl, OPERATION);
    // A sync daemon of this very kernel must not take its own connections for another's.
    setSocketOption(fd, level, options.loop, 0, OPERATION);
    connectSocket(fd, internetSocketAddress(group, port, inet6 ? interfaceIndex : 0), OPERATION);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}
