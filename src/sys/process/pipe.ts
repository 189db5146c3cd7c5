/** Pipes by which a program talks to this process. */
import { F_SETFL, O_CLOEXEC, O_NONBLOCK } from "../libc/constants.ts";
import { syscallError } from "../libc/errno.ts";
import { asFd, closeFd, type Fd } from "../libc/fd.ts";
import { asU32 } from "../libc/integers.ts";
import { libc } from "../libc/libc.ts";
import { retryInterrupted } from "../sockets/socket.ts";

export interface Pipe {
  /** Never waits. */
  readonly reading: Fd;
  /** For the program, which may wait here for room. */
  readonly writing: Fd;
}

/** fchown(2): an id that stays as it is. */
const UNCHANGED = 0xffff_ffff;

/**
 * A pipe, closed on exec at both ends.
 * @param writer a user id that the pipe is given to: a program of another user may use what it has inherited, but could
 *   not open `/dev/stderr`.
 * @throws SyscallError.
 */
export function openPipe(writer?: number): Pipe {
  const ends = new Int32Array(2);
  if (libc().pipe2(ends, O_CLOEXEC) !== 0) throw syscallError("open a pipe");
  const [reading, writing] = [asFd(ends[0] ?? -1), asFd(ends[1] ?? -1)];
  const owner = writer === undefined ? UNCHANGED : asU32(writer, "the user id");
  const owned = libc().fchown(writing, owner, UNCHANGED);
  if (owned !== 0 || libc().fcntl(reading, F_SETFL, O_NONBLOCK) !== 0) {
    const error = syscallError("set up a pipe");
    closeFd(reading);
    closeFd(writing);
    throw error;
  }
  return { reading, writing };
}

/** Reads what is there into `buffer`, over what it held. @returns how many bytes, 0 at the end, or the negative errno. */
export function readPipe(reading: Fd, buffer: Uint8Array): number {
  return retryInterrupted(() => libc().read(asFd(reading), buffer, buffer.length));
}
