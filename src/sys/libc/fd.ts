import { assert } from "../../lib/assert.ts";
import { F_DUPFD_CLOEXEC } from "./constants.ts";
import { syscallError } from "./errno.ts";
import { libc } from "./libc.ts";

/** A file descriptor of this process that somebody owns and will close. */
export type Fd = number & { readonly __brand: "Fd" };

/** Brands the result of a call that gives a descriptor. */
export function asFd(value: number): Fd {
  assert(Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff, `${value} is not a file descriptor`);
  return value as Fd;
}

/** Closes a descriptor. What close(2) reports is of no use: the descriptor is gone in any case. */
export function closeFd(fd: Fd): void {
  libc().close(asFd(fd));
}

/**
 * A second descriptor for the same open file, closed on exec.
 * @throws SyscallError.
 */
export function duplicateFd(fd: Fd): Fd {
  const result = libc().fcntl(asFd(fd), F_DUPFD_CLOEXEC, 0);
  if (result < 0) throw syscallError("duplicate a descriptor");
  return asFd(result);
}
