/** Raw ICMP and ICMPv6 sockets that ask from any address of this machine and receive the answers to one identifier. */
import { ptr } from "bun:ffi";
import { assert } from "../../lib/assert.ts";
import {
  AF_INET,
  AF_INET6,
  IP_PKTINFO,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  MSG_DONTWAIT,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "../libc/constants.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { asI32, asU16 } from "../libc/integers.ts";
import { libc } from "../libc/libc.ts";
import { openSocket, retryInterrupted, type SendOutcome, sendOutcome } from "./socket.ts";
import { internetSocketAddress } from "./socket-address.ts";
import { attachFilter, type FilterClause } from "./socket-filter.ts";

/** Version 4 and a header of 20 bytes: answers with IP options are not waited for. */
const IPV4_WITHOUT_OPTIONS = 0x45;
const ICMP_ECHO_REPLY = 0;
const ICMPV6_ECHO_REPLY = 129;

function echoReplyFilter(inet6: boolean, identifier: number): FilterClause {
  asU16(identifier, "the echo identifier");
  return inet6
    ? [
        { at: 0, bytes: 1, is: "equal", value: ICMPV6_ECHO_REPLY },
        { at: 4, bytes: 2, is: "equal", value: identifier },
      ]
    : [
        { at: 0, bytes: 1, is: "equal", value: IPV4_WITHOUT_OPTIONS },
        { at: 20, bytes: 1, is: "equal", value: ICMP_ECHO_REPLY },
        { at: 24, bytes: 2, is: "equal", value: identifier },
      ];
}

/**
 * Opens a non-blocking socket for echo messages with this identifier. IPv4 answers come with their IP header, IPv6 ones
 * without.
 * @throws SyscallError.
 */
export function openEchoSocket(inet6: boolean, identifier: number): Fd {
  const [family, protocol] = inet6 ? [AF_INET6, IPPROTO_ICMPV6] : [AF_INET, IPPROTO_ICMP];
  const hint = "Run it as root, or with the capability CAP_NET_RAW.";
  const fd = openSocket(family, SOCK_RAW | SOCK_NONBLOCK, protocol, "open a raw ICMP socket", hint);
  try {
    attachFilter(fd, [echoReplyFilter(inet6, identifier)]);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

/** struct cmsghdr { size_t length; int level; int type; }, then in_pktinfo or in6_pktinfo. */
const CONTROL_HEADER_BYTES = 16;

function packetInfo(source: Uint8Array, interfaceIndex: number): Uint8Array {
  const inet6 = source.length === 16;
  // struct in_pktinfo { int index; in_addr source; in_addr unused; }, struct in6_pktinfo { in6_addr source; int index; }
  const length = CONTROL_HEADER_BYTES + (inet6 ? 20 : 12);
  const view = new DataView(new ArrayBuffer(CONTROL_HEADER_BYTES + 24));
  view.setBigUint64(0, BigInt(length), true);
  view.setInt32(8, inet6 ? IPPROTO_IPV6 : IPPROTO_IP, true);
  view.setInt32(12, inet6 ? IPV6_PKTINFO : IP_PKTINFO, true);
  view.setInt32(CONTROL_HEADER_BYTES + (inet6 ? 16 : 0), asI32(interfaceIndex, "the interface index"), true);
  new Uint8Array(view.buffer).set(source, CONTROL_HEADER_BYTES + (inet6 ? 0 : 4));
  return new Uint8Array(view.buffer, 0, inet6 ? CONTROL_HEADER_BYTES + 24 : CONTROL_HEADER_BYTES + 16);
}

/**
 * Sends a message from one of this machine's addresses. Never throws for what a network does.
 * @param source 4 or 16 bytes, as many as `to` has
 * @param interfaceIndex the interface to leave by, or 0 for what the routes say
 */
export function sendFrom(
  fd: Fd,
  message: Uint8Array,
  to: Uint8Array,
  source: Uint8Array,
  interfaceIndex: number,
): SendOutcome {
  assert(source.length === to.length, "source and destination are of the same family");
  assert(message.length > 0, "there is something to send");
  const name = internetSocketAddress(to, 0, interfaceIndex);
  const control = packetInfo(source, interfaceIndex);
  const vector = new BigUint64Array([BigInt(ptr(message)), BigInt(message.length)]);
  // struct msghdr { void *name; socklen_t namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen; int flags; }
  const header = new BigUint64Array([
    BigInt(ptr(name)),
    BigInt(name.length),
    BigInt(ptr(vector)),
    1n,
    BigInt(ptr(control)),
    BigInt(control.length),
    0n,
  ]);
  const { sendmsg } = libc();
  const result = retryInterrupted(() => sendmsg(fd, header, MSG_DONTWAIT));
  // The header holds plain addresses, which the collector does not follow: what they point to must live until here.
  assert(name.length + control.length + vector.length + message.length > 0, "the message is still there");
  return sendOutcome(result);
}
