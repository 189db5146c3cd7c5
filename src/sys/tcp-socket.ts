/**
 * TCP connections whose every failure has its own errno, and that can be given up while they are being made. Bun's own
 * connect can do neither: it reports ECONNREFUSED for everything, and keeps the descriptor until the kernel gives up.
 */
import { AF_INET, AF_INET6, EINPROGRESS, EINTR, SOCK_NONBLOCK, SOCK_STREAM } from "./constants.ts";
import { closeFd, type Fd } from "./fd.ts";
import { libc, readErrno } from "./libc.ts";
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
  const domain = address.length === 4 ? AF_INET : AF_INET6;
  const fd = openSocket(domain, SOCK_STREAM | SOCK_NONBLOCK, 0, "open a TCP socket");
  leaveBy(fd, route, "open a TCP socket");
  const to = internetSocketAddress(address, port);
  if (libc().connect(fd, to, to.length) === 0) return { kind: "connecting", fd };
  const errno = readErrno();
  // An interrupted connect goes on by itself (connect(2)).
  if (errno === EINPROGRESS || errno === EINTR) return { kind: "connecting", fd };
  closeFd(fd);
  return { kind: "failed", errno };
}
