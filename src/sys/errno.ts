import { SyscallError } from "../lib/errors.ts";
import { readErrno } from "./libc.ts";

/** asm-generic/errno-base.h and errno.h: the ones that sockets, netlink and processes give. */
const ERRORS: Readonly<Record<number, readonly [name: string, text: string]>> = {
  1: ["EPERM", "not permitted"],
  2: ["ENOENT", "it does not exist"],
  3: ["ESRCH", "it does not exist"],
  4: ["EINTR", "interrupted by a signal"],
  5: ["EIO", "input or output error"],
  6: ["ENXIO", "no such device or address"],
  7: ["E2BIG", "too long"],
  9: ["EBADF", "bad file descriptor"],
  10: ["ECHILD", "no such child process"],
  11: ["EAGAIN", "nothing there yet"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "permission denied"],
  14: ["EFAULT", "bad memory address"],
  16: ["EBUSY", "it is in use"],
  17: ["EEXIST", "it exists already"],
  19: ["ENODEV", "no such device"],
  20: ["ENOTDIR", "not a directory"],
  21: ["EISDIR", "is a directory"],
  22: ["EINVAL", "invalid argument"],
  23: ["ENFILE", "too many open files in the system"],
  24: ["EMFILE", "too many open files in this process"],
  28: ["ENOSPC", "no space left"],
  30: ["EROFS", "the file system is read-only"],
  32: ["EPIPE", "the other end is closed"],
  34: ["ERANGE", "out of range"],
  36: ["ENAMETOOLONG", "the name is too long"],
  38: ["ENOSYS", "the kernel has no such function"],
  61: ["ENODATA", "no data"],
  71: ["EPROTO", "protocol error"],
  74: ["EBADMSG", "bad message"],
  75: ["EOVERFLOW", "value too large"],
  88: ["ENOTSOCK", "not a socket"],
  89: ["EDESTADDRREQ", "a destination address is needed"],
  90: ["EMSGSIZE", "the message is too long"],
  92: ["ENOPROTOOPT", "the kernel has no such socket option"],
  93: ["EPROTONOSUPPORT", "the kernel has no such protocol"],
  94: ["ESOCKTNOSUPPORT", "the kernel has no such kind of socket"],
  95: ["EOPNOTSUPP", "not supported"],
  97: ["EAFNOSUPPORT", "the kernel has no such address family"],
  98: ["EADDRINUSE", "the address is in use"],
  99: ["EADDRNOTAVAIL", "this machine does not have that address"],
  100: ["ENETDOWN", "the interface is down"],
  101: ["ENETUNREACH", "no route there"],
  104: ["ECONNRESET", "reset by the other side"],
  105: ["ENOBUFS", "no buffer space left"],
  106: ["EISCONN", "already connected"],
  107: ["ENOTCONN", "not connected"],
  110: ["ETIMEDOUT", "timed out"],
  111: ["ECONNREFUSED", "refused"],
  112: ["EHOSTDOWN", "the host is down"],
  113: ["EHOSTUNREACH", "the host does not answer"],
  114: ["EALREADY", "already under way"],
  115: ["EINPROGRESS", "under way"],
};

/** `EPERM` for 1; `errno 999` for a number without a name here. */
export function errnoName(errno: number): string {
  return ERRORS[errno]?.[0] ?? `errno ${errno}`;
}

/** A clause with the name: `not permitted (EPERM)`. */
export function errnoReason(errno: number): string {
  const known = ERRORS[errno];
  return known === undefined ? `errno ${errno}` : `${known[1]} (${known[0]})`;
}

/** The error of a call that gave `errno`. `operation` is a verb phrase. */
export function syscallErrorFor(errno: number, operation: string, subject?: string, hint?: string): SyscallError {
  return new SyscallError({
    operation,
    ...(subject === undefined ? {} : { subject }),
    ...(hint === undefined ? {} : { hint }),
    reason: errnoReason(errno),
    errno,
    errnoName: errnoName(errno),
  });
}

/** The error of the call that has just failed; to be made before any other call. */
export function syscallError(operation: string, subject?: string, hint?: string): SyscallError {
  return syscallErrorFor(readErrno(), operation, subject, hint);
}
