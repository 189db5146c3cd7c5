import { SyscallError } from "../../lib/errors.ts";
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
  8: ["ENOEXEC", "exec format error: neither a program for this machine nor a script with #!"],
  9: ["EBADF", "bad file descriptor"],
  10: ["ECHILD", "no such child process"],
  11: ["EAGAIN", "nothing there yet"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "permission denied"],
  14: ["EFAULT", "bad memory address"],
  15: ["ENOTBLK", "not a block device"],
  16: ["EBUSY", "it is in use"],
  17: ["EEXIST", "it exists already"],
  18: ["EXDEV", "on another file system"],
  19: ["ENODEV", "no such device"],
  20: ["ENOTDIR", "not a directory"],
  21: ["EISDIR", "is a directory"],
  22: ["EINVAL", "invalid argument"],
  23: ["ENFILE", "too many open files in the system"],
  24: ["EMFILE", "too many open files in this process"],
  25: ["ENOTTY", "the kernel has no such operation for it"],
  26: ["ETXTBSY", "the program is being written to"],
  27: ["EFBIG", "the file is as long as it may be"],
  28: ["ENOSPC", "no space left"],
  29: ["ESPIPE", "a pipe or socket has no positions"],
  30: ["EROFS", "the file system is read-only"],
  31: ["EMLINK", "too many links"],
  32: ["EPIPE", "the other end is closed"],
  33: ["EDOM", "out of the domain"],
  34: ["ERANGE", "out of range"],
  35: ["EDEADLK", "it would wait for itself"],
  36: ["ENAMETOOLONG", "the name is too long"],
  37: ["ENOLCK", "no locks left"],
  38: ["ENOSYS", "the kernel has no such function"],
  39: ["ENOTEMPTY", "the directory is not empty"],
  40: ["ELOOP", "its symbolic links go in a circle"],
  61: ["ENODATA", "no data"],
  62: ["ETIME", "the time is over"],
  71: ["EPROTO", "protocol error"],
  74: ["EBADMSG", "bad message"],
  75: ["EOVERFLOW", "value too large"],
  84: ["EILSEQ", "bytes that are no character"],
  87: ["EUSERS", "too many users"],
  88: ["ENOTSOCK", "not a socket"],
  89: ["EDESTADDRREQ", "a destination address is needed"],
  90: ["EMSGSIZE", "the message is too long"],
  91: ["EPROTOTYPE", "the wrong kind of socket"],
  92: ["ENOPROTOOPT", "the kernel has no such socket option"],
  93: ["EPROTONOSUPPORT", "the kernel has no such protocol"],
  94: ["ESOCKTNOSUPPORT", "the kernel has no such kind of socket"],
  95: ["EOPNOTSUPP", "not supported"],
  96: ["EPFNOSUPPORT", "the kernel has no such protocol family"],
  97: ["EAFNOSUPPORT", "the kernel has no such address family"],
  98: ["EADDRINUSE", "the address is in use"],
  99: ["EADDRNOTAVAIL", "this machine does not have that address"],
  100: ["ENETDOWN", "the interface is down"],
  101: ["ENETUNREACH", "no route there"],
  102: ["ENETRESET", "the network dropped the connection"],
  103: ["ECONNABORTED", "the connection was aborted"],
  104: ["ECONNRESET", "reset by the other side"],
  105: ["ENOBUFS", "no buffer space left"],
  106: ["EISCONN", "already connected"],
  107: ["ENOTCONN", "not connected"],
  108: ["ESHUTDOWN", "the socket is shut down"],
  109: ["ETOOMANYREFS", "too many references"],
  110: ["ETIMEDOUT", "timed out"],
  111: ["ECONNREFUSED", "refused"],
  112: ["EHOSTDOWN", "the host is down"],
  113: ["EHOSTUNREACH", "the host does not answer"],
  114: ["EALREADY", "already under way"],
  115: ["EINPROGRESS", "under way"],
  116: ["ESTALE", "the file is gone from its server"],
  122: ["EDQUOT", "the quota is used up"],
  125: ["ECANCELED", "cancelled"],
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

/** What helps against the errors that have nothing to do with what was tried. */
const HINTS: Readonly<Record<string, string>> = {
  EMFILE: "Raise the limit of open files: ulimit -n, or LimitNOFILE= of the systemd unit.",
  ENFILE: "Raise the sysctl fs.file-max.",
  ENOMEM: "Free some memory, or raise the limit of the control group.",
};

/**
 * The error of a call that gave `errno`. `operation` is a verb phrase.
 * @param permissionHint what helps where the call was not permitted; other errors are not told it
 */
export function syscallErrorFor(
  errno: number,
  operation: string,
  subject?: string,
  permissionHint?: string,
): SyscallError {
  const name = errnoName(errno);
  const hint = name === "EPERM" || name === "EACCES" ? permissionHint : HINTS[name];
  return new SyscallError({
    operation,
    ...(subject === undefined ? {} : { subject }),
    ...(hint === undefined ? {} : { hint }),
    reason: errnoReason(errno),
    errno,
    errnoName: name,
  });
}

/** The error of the call that has just failed; to be made before any other call. */
export function syscallError(operation: string, subject?: string, permissionHint?: string): SyscallError {
  return syscallErrorFor(readErrno(), operation, subject, permissionHint);
}
