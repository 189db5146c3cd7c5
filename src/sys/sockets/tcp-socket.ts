/**
 * TCP connections whose every failure has its own errno, and that can be given up while they are being made. Bun's own
 * connect can do neither: it reports ECONNREFUSED for everything, and keeps the descriptor until the kernel gives up.
 */
import {
  AF_INET,
  AF_INET6,
  EINPROGRESS,
  EINTR,
  IPPROTO_TCP,
  SO_ERROR,
  SO_LINGER,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_INFO,
  TCP_QUICKACK,
} from "../libc/constants.ts";
import { asFd, closeFd, type Fd } from "../libc/fd.ts";
import { libc, readErrno } from "../libc/libc.ts";
import { leaveBy, type Route } from "./route-options.ts";
import { openSocket } from "./socket.ts";
import { internetSocketAddress } from "./socket-address.ts";

/** A connection on its way, or made already; or the errno of why it can't even begin. */
export type ConnectStart =
  | { readonly kind: "connecting"; readonly fd: Fd }
  | { readonly kind: "failed"; readonly errno: number };

/**
 * Begins a TCP connection without waiting for it. The caller owns the descriptor.
 * @param address 4 or 16 bytes in network order
 * @throws SyscallError when there is no socket to be had (EMFILE), or it may not leave by that route.
 */
export function startTcpConnection(address: Uint8Array, port: number, route: Route = {}): ConnectStart {
  return connectTcp(internetSocketAddress(address, port), route);
}

/** The same to a socket address as `internetSocketAddress` makes it. */
export function connectTcp(to: Uint8Array, route: Route | undefined): ConnectStart {
  return connectOrClose(openTcpSocket(to, route), to);
}

function openTcpSocket(to: Uint8Array, route: Route | undefined): Fd {
  // The lengths of sockaddr_in and sockaddr_in6.
  const domain = to.length === 16 ? AF_INET : AF_INET6;
  const fd = openSocket(domain, SOCK_STREAM | SOCK_NONBLOCK, 0, "open a TCP socket");
  if (route !== undefined) leaveBy(fd, route, "open a TCP socket");
  return fd;
}

function connectOrClose(fd: Fd, to: Uint8Array): ConnectStart {
  if (libc().connect(fd, to, to.length) === 0) return { kind: "connecting", fd };
  const errno = readErrno();
  // An interrupted connect goes on by itself (connect(2)).
  if (errno === EINPROGRESS || errno === EINTR) return { kind: "connecting", fd };
  closeFd(fd);
  return { kind: "failed", errno };
}

/** struct linger { int on; int seconds; }: a close that waits for nothing and sends a reset. */
const RESET_AT_CLOSE = new Int32Array([1, 0]);
const NO = new Int32Array([0]);
/** An address of the family AF_UNSPEC: connect(2) takes it as the order to give the connection up. */
const NOWHERE = new Uint8Array(16);
/** Sockets that are kept for the next attempt; more than begin together is of no use. */
const IDLE_SOCKETS_MAX = 256;

const errorOption = new Int32Array(1);
const optionLength = new Uint32Array(1);
/** struct tcp_info (linux/tcp.h) as far as tcpi_rtt. */
const info = new Uint32Array(18);
const TCPI_RTT = 17;

/** Why a connection on its way was not made: an errno, or 0 when it was. */
export function connectionErrno(fd: Fd): number {
  optionLength[0] = errorOption.byteLength;
  return libc().getsockopt(asFd(fd), SOL_SOCKET, SO_ERROR, errorOption, optionLength) === 0 ? (errorOption[0] ?? 0) : 0;
}

/** What the kernel measured from the SYN to its answer; undefined when it could not (a SYN was sent twice). */
export function connectTimeMs(fd: Fd): number | undefined {
  optionLength[0] = info.byteLength;
  if (libc().getsockopt(asFd(fd), IPPROTO_TCP, TCP_INFO, info, optionLength) !== 0) return undefined;
  const microseconds = info[TCPI_RTT] ?? 0;
  return microseconds === 0 ? undefined : microseconds / 1_000;
}

/** Ends a connection at once, whatever is on its way. */
export function resetTcpConnection(fd: Fd): void {
  libc().setsockopt(asFd(fd), SOL_SOCKET, SO_LINGER, RESET_AT_CLOSE, RESET_AT_CLOSE.byteLength);
  closeFd(fd);
}

/**
 * Attempts that only ask whether a server answers a SYN, as cheaply as that can be asked. The last packet of the handshake
 * is held back, and the connection given up by a reset in its place: the server's program never hears of it, nobody
 * keeps a TIME_WAIT, and the socket serves for the next attempt. HAProxy asks in the same way (tcp-check connect).
 */
export class Knocker {
  /** By the length of the address, which tells the family. */
  readonly #idle = new Map<number, Fd[]>();

  /**
   * Begins an attempt. The caller owns the descriptor.
   * @param to as `internetSocketAddress` makes it
   * @param route absent: as the routes say; only such sockets serve again
   * @throws SyscallError as `startTcpConnection`.
   */
  begin(to: Uint8Array, route: Route | undefined): ConnectStart {
    const idle = route === undefined ? this.#idle.get(to.length)?.pop() : undefined;
    const fd = idle ?? openTcpSocket(to, route);
    // Where it is refused the connection is made all the same, with one packet more.
    libc().setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, NO, NO.byteLength);
    return connectOrClose(fd, to);
  }

  /** Gives up a connection that was made. */
  end(fd: Fd, to: Uint8Array, route: Route | undefined): void {
    const idle = this.#idle.get(to.length) ?? [];
    this.#idle.set(to.length, idle);
    const isKept = route === undefined && idle.length < IDLE_SOCKETS_MAX;
    if (isKept && libc().connect(asFd(fd), NOWHERE, NOWHERE.length) === 0) idle.push(fd);
    else resetTcpConnection(fd);
  }

  close(): void {
    for (const fd of [...this.#idle.values()].flat()) closeFd(fd);
    this.#idle.clear();
  }
}
