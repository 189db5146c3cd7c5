import {
  AF_NETLINK,
  EAGAIN,
  EMSGSIZE,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  SO_RCVTIMEO,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
} from "../libc/constants.ts";
import { syscallErrorFor } from "../libc/errno.ts";
import { closeFd, type Fd } from "../libc/fd.ts";
import { libc } from "../libc/libc.ts";
import {
  bindSocket,
  connectSocket,
  DATAGRAM_LIMIT_BYTES,
  growReceiveBuffer,
  nativeTimeval,
  openSocket,
  receiveBuffer,
  receiveDatagram,
  receiveLent,
  retryInterrupted,
  setSocketOption,
  trySocketOption,
} from "./socket.ts";
import { netlinkSocketAddress } from "./socket-address.ts";
import { attachFilter, type FilterClause } from "./socket-filter.ts";

export interface NetlinkSocketOptions {
  /** How long `receive` waits for the kernel's answer. */
  readonly receiveTimeoutMs?: number;
  /** What the kernel may keep for us. A batch of 60 kB makes some 800 acknowledgements of about 1 kB each in there. */
  readonly receiveBufferBytes?: number;
  /** NETLINK_GET_STRICT_CHK: dumps honour the filter in their header, and a header that is not as it should be is refused. */
  readonly strictDumps?: boolean;
  /** What of the announcements is passed on; in force before the first group is joined. */
  readonly filter?: readonly FilterClause[];
  /** Groups that an older kernel may lack. */
  readonly groupsIfThere?: readonly number[];
}

const RECEIVE_TIMEOUT_MS = 5_000;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A netlink socket that talks with the kernel and with nobody else. */
export class NetlinkSocket {
  readonly fd: Fd;
  #open = true;

  constructor(fd: Fd) {
    this.fd = fd;
  }

  /**
   * Sends one datagram of one or more messages. The kernel works on them before this returns.
   * @throws SyscallError.
   */
  send(bytes: Uint8Array): void {
    const { sendto } = libc();
    const result = retryInterrupted(() => sendto(this.fd, bytes, bytes.length, 0, null, 0));
    if (result < 0) throw syscallErrorFor(-result, "send a netlink request");
  }

  /**
   * Waits for one datagram of the kernel.
   * @returns its bytes, or undefined when none came within the timeout.
   * @throws SyscallError; ENOBUFS means that messages were lost.
   */
  receive(): Uint8Array | undefined {
    return this.#receive(true);
  }

  /** Where `receiveLent` puts what comes. */
  get lent(): Uint8Array {
    return receiveBuffer;
  }

  /**
   * As `receive`, but into `lent`, over what came before on any socket.
   * @returns how long it is, or undefined when none came within the timeout.
   */
  receiveLent(): number | undefined {
    const result = receiveLent(this.fd, true);
    if (result === -EAGAIN) return undefined;
    if (result < 0) throw syscallErrorFor(-result, "receive a netlink message");
    if (result >= DATAGRAM_LIMIT_BYTES) throw syscallErrorFor(EMSGSIZE, "receive a netlink message");
    return result;
  }

  /** As `receive`, but does not wait. */
  receiveNow(): Uint8Array | undefined {
    return this.#receive(false);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(wait: boolean): Uint8Array | undefined {
    const outcome = receiveDatagram(this.fd, wait);
    if (outcome.kind === "empty") return undefined;
    if (outcome.kind === "failed") throw syscallErrorFor(outcome.errno, "receive a netlink message");
    if (outcome.bytes.length >= DATAGRAM_LIMIT_BYTES) throw syscallErrorFor(EMSGSIZE, "receive a netlink message");
    return outcome.bytes;
  }
}

/**
 * Opens a netlink socket with a port of its own, for requests or, with `groups`, for the kernel's announcements.
 * Extended error texts and short acknowledgements are switched on where the kernel has them. Once the socket is given
 * to `watchDatagrams` it no longer waits.
 * @param protocol NETLINK_ROUTE or NETLINK_GENERIC
 * @param groups numbers of multicast groups (RTNLGRP_*), not masks
 * @throws SyscallError.
 */
export function openNetlinkSocket(
  protocol: number,
  groups: readonly number[] = [],
  options: NetlinkSocketOptions = {},
): NetlinkSocket {
  const operation = "open a netlink socket";
  const fd = openSocket(AF_NETLINK, SOCK_RAW, protocol, operation);
  try {
    growReceiveBuffer(fd, options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES);
    setSocketOption(
      fd,
      SOL_SOCKET,
      SO_RCVTIMEO,
      nativeTimeval(options.receiveTimeoutMs ?? RECEIVE_TIMEOUT_MS),
      operation,
    );
    trySocketOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    trySocketOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    if (options.strictDumps === true) trySocketOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    bindSocket(fd, netlinkSocketAddress(), operation);
    // Connected to port 0, the kernel's, the socket gets no message that another process sends to it.
    connectSocket(fd, netlinkSocketAddress(), operation);
    if (options.filter !== undefined) attachFilter(fd, options.filter);
    for (const group of groups) {
      setSocketOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, "join a netlink group", String(group));
    }
    for (const group of options.groupsIfThere ?? []) trySocketOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return new NetlinkSocket(fd);
}
