/** Calls on sockets, with checked integers. What is expected on a network is a value, not an exception. */
import { assert } from "../../lib/assert.ts";
import {
  EAGAIN,
  EINTR,
  MSG_DONTWAIT,
  MSG_TRUNC,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOL_SOCKET,
} from "../libc/constants.ts";
import { errnoName, syscallError } from "../libc/errno.ts";
import { asFd, type Fd } from "../libc/fd.ts";
import { asI32, asU32 } from "../libc/integers.ts";
import { libc, readErrno } from "../libc/libc.ts";

/** What sending a datagram gave: `sent`, or the name of the errno (`ENETUNREACH`). */
export type SendOutcome = { readonly kind: "sent" } | { readonly kind: "failed"; readonly errnoName: string };

/** A datagram, or `empty` when none waits, or the error that the socket had stored. */
export type ReceiveOutcome =
  | { readonly kind: "received"; readonly bytes: Uint8Array }
  | { readonly kind: "empty" }
  | { readonly kind: "failed"; readonly errno: number };

const SENT: SendOutcome = { kind: "sent" };
const EMPTY: ReceiveOutcome = { kind: "empty" };

/** The largest datagram that any of our sockets gets: a netlink dump comes in pieces of at most 32 KiB (af_netlink.c). */
export const DATAGRAM_LIMIT_BYTES = 65_536;

/** Calls are repeated when a signal interrupts them, but not for ever. */
const INTERRUPTIONS_MAX = 100;

/** One buffer for all sockets of this thread: what is received is copied out before anybody else runs, or lent. */
export const receiveBuffer = new Uint8Array(DATAGRAM_LIMIT_BYTES);

/**
 * Opens a socket that is closed on exec.
 * @param permissionHint what helps where this is not permitted
 * @throws SyscallError with `operation` (EPERM without the right to open raw sockets).
 */
export function openSocket(
  domain: number,
  type: number,
  protocol: number,
  operation: string,
  permissionHint?: string,
): Fd {
  const result = libc().socket(
    asI32(domain, "the address family"),
    asI32(type, "the socket type") | SOCK_CLOEXEC,
    asI32(protocol, "the protocol"),
  );
  if (result < 0) throw syscallError(operation, undefined, permissionHint);
  return asFd(result);
}

/** The bytes of a C `int`. */
function nativeInteger(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([asI32(value, "the option's value")]).buffer);
}

/** The bytes of a C `struct timeval` of so many milliseconds. */
export function nativeTimeval(ms: number): Uint8Array {
  const whole = asU32(Math.ceil(ms), "the timeout in milliseconds");
  const microseconds = (whole % 1_000) * 1_000;
  return new Uint8Array(new BigInt64Array([BigInt(Math.floor(whole / 1_000)), BigInt(microseconds)]).buffer);
}

function setOption(fd: Fd, level: number, option: number, value: Uint8Array): boolean {
  assert(value.length > 0, "a socket option has a value");
  const checkedLevel = asI32(level, "the option's level");
  return libc().setsockopt(asFd(fd), checkedLevel, asI32(option, "the option"), value, value.length) === 0;
}

/** Sets an option that must work. @throws SyscallError with `operation`. */
export function setSocketOption(
  fd: Fd,
  level: number,
  option: number,
  value: Uint8Array | number,
  operation: string,
  subject?: string,
): void {
  const bytes = typeof value === "number" ? nativeInteger(value) : value;
  if (!setOption(fd, level, option, bytes)) throw syscallError(operation, subject);
}

/** Sets an option that an older kernel may lack. @returns whether it took it. */
export function trySocketOption(fd: Fd, level: number, option: number, value: Uint8Array | number): boolean {
  return setOption(fd, level, option, typeof value === "number" ? nativeInteger(value) : value);
}

/**
 * Reads an option into `value`, which may hold a question for the kernel.
 * @returns the errno, 0 when it worked.
 */
export function readSocketOption(fd: Fd, level: number, option: number, value: Uint8Array): number {
  assert(value.length > 0, "a socket option has a value");
  const length = new Uint32Array([value.length]);
  const [checkedLevel, checkedOption] = [asI32(level, "the option's level"), asI32(option, "the option")];
  return libc().getsockopt(asFd(fd), checkedLevel, checkedOption, value, length) === 0 ? 0 : readErrno();
}

/** Makes the receive buffer that large, past the system's limit where that is permitted, else as large as allowed. */
export function growReceiveBuffer(fd: Fd, bytes: number): void {
  if (!trySocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) trySocketOption(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

/** @throws SyscallError with `operation` and `subject`. */
export function bindSocket(fd: Fd, address: Uint8Array, operation: string, subject?: string): void {
  if (libc().bind(asFd(fd), address, address.length) !== 0) throw syscallError(operation, subject);
}

/** @throws SyscallError with `operation` and `subject`. */
export function connectSocket(fd: Fd, address: Uint8Array, operation: string, subject?: string): void {
  if (libc().connect(asFd(fd), address, address.length) !== 0) throw syscallError(operation, subject);
}

/** The socket's own address as the kernel has it, at most 32 bytes. @throws SyscallError. */
export function ownSocketAddress(fd: Fd): Uint8Array {
  // The longest address here is sockaddr_in6 with 28 bytes.
  const address = new Uint8Array(32);
  const length = new Uint32Array([address.length]);
  if (libc().getsockname(asFd(fd), address, length) !== 0) throw syscallError("read a socket's address");
  return address.subarray(0, Math.min(length[0] ?? 0, address.length));
}

/** Repeats a call while a signal interrupts it. @returns its result, or the negative errno. */
export function retryInterrupted(call: () => number | bigint): number {
  for (let attempt = 0; attempt < INTERRUPTIONS_MAX; attempt += 1) {
    const result = Number(call());
    if (result >= 0) return result;
    const errno = readErrno();
    if (errno !== EINTR) return -errno;
  }
  return -EINTR;
}

/** Turns the result of `retryInterrupted` for a send into an outcome. */
export function sendOutcome(result: number): SendOutcome {
  return result >= 0 ? SENT : { kind: "failed", errnoName: errnoName(-result) };
}

/** Sends one datagram without waiting, to `to` or to where the socket is connected or bound. Never throws for what a network does. */
export function sendDatagram(fd: Fd, bytes: Uint8Array, to?: Uint8Array): SendOutcome {
  const { sendto } = libc();
  // An empty array has no address to give to C.
  const data = bytes.length === 0 ? null : bytes;
  return sendOutcome(
    retryInterrupted(() => sendto(asFd(fd), data, bytes.length, MSG_DONTWAIT, to ?? null, to?.length ?? 0)),
  );
}

/**
 * Reads one datagram into `receiveBuffer`, over the one before, of any socket. It makes no garbage: a long dump comes in
 * thousands of datagrams.
 * @param wait as in `receiveDatagram`.
 * @returns its whole length, also when it is longer than the buffer, or the negative errno.
 */
export function receiveLent(fd: Fd, wait: boolean): number {
  const { recv } = libc();
  const flags = wait ? MSG_TRUNC : MSG_TRUNC | MSG_DONTWAIT;
  for (let attempt = 0; attempt < INTERRUPTIONS_MAX; attempt += 1) {
    const result = Number(recv(asFd(fd), receiveBuffer, receiveBuffer.length, flags));
    if (result >= 0) return result;
    const errno = readErrno();
    if (errno !== EINTR) return -errno;
  }
  return -EINTR;
}

/**
 * Reads one datagram.
 * @param wait whether to wait for one, up to the socket's SO_RCVTIMEO; a datagram that is longer than
 *   `DATAGRAM_LIMIT_BYTES` is cut there.
 * @returns a copy of its bytes.
 */
export function receiveDatagram(fd: Fd, wait: boolean): ReceiveOutcome {
  const result = receiveLent(fd, wait);
  if (result === -EAGAIN) return EMPTY;
  if (result < 0) return { kind: "failed", errno: -result };
  return { kind: "received", bytes: receiveBuffer.slice(0, Math.min(result, receiveBuffer.length)) };
}

/** Reads all datagrams that wait, without waiting, at most `limit` of them. An error that the socket stored is skipped. */
export function drainDatagrams(fd: Fd, limit: number): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let turn = 0; turn < limit; turn += 1) {
    const outcome = receiveDatagram(fd, false);
    if (outcome.kind === "empty") break;
    if (outcome.kind === "received") datagrams.push(outcome.bytes);
  }
  return datagrams;
}
