/**
 * Reading and writing of plain descriptors. node:fs does the same and more, but loading it takes 1.2 ms and a fifth of
 * all memory pages that a short command touches (measured); what a command always does goes through here.
 */
import { EAGAIN, EBADF, F_GETFD, FD_CLOEXEC, O_CLOEXEC, O_RDONLY } from "../libc/constants.ts";
import { errnoName, errnoReason } from "../libc/errno.ts";
import { asFd, closeFd, type Fd } from "../libc/fd.ts";
import { asU32 } from "../libc/integers.ts";
import { libc } from "../libc/libc.ts";
import { retryInterrupted } from "../sockets/socket.ts";

/** How long to wait where a descriptor that somebody made non-blocking has no room, or nothing to read. */
const BUSY_WAIT_MS = 1;
/** Files are read in pieces of this length; a saved table of 1,000 services is one. */
const PIECE_BYTES = 1024 * 1024;

export type WriteOutcome =
  | { readonly kind: "written" }
  | { readonly kind: "failed"; readonly errnoName: string; readonly reason: string };

const WRITTEN: WriteOutcome = { kind: "written" };

function unwritten(errno: number): WriteOutcome {
  return { kind: "failed", errnoName: errnoName(errno), reason: errnoReason(errno) };
}

/**
 * Writes all bytes to a standard stream. One that this process was started without cannot be written to: Bun opens
 * /dev/null in its place, and would have a listing vanish as a success. Unlike what came through exec(2), that one is
 * closed on exec.
 */
export function writeWholeIfOpen(fd: Fd, bytes: Uint8Array): WriteOutcome {
  const flags = libc().fcntl(asFd(fd), F_GETFD, 0);
  if (flags < 0 || (flags & FD_CLOEXEC) !== 0) return unwritten(EBADF);
  return writeWhole(fd, bytes);
}

/** Writes all bytes, also to a descriptor that is non-blocking. */
export function writeWhole(fd: Fd, bytes: Uint8Array): WriteOutcome {
  const { write } = libc();
  let rest = bytes;
  while (rest.length > 0) {
    const piece = rest;
    const result = retryInterrupted(() => write(asFd(fd), piece, piece.length));
    if (result === -EAGAIN) Bun.sleepSync(BUSY_WAIT_MS);
    else if (result < 0) return unwritten(-result);
    else rest = rest.subarray(result);
  }
  return WRITTEN;
}

/** Whether a person is at the other end. */
export function isTerminal(fd: Fd): boolean {
  return libc().isatty(asFd(fd)) === 1;
}

export type ReadOutcome =
  | { readonly kind: "read"; readonly bytes: Uint8Array }
  | { readonly kind: "too-long" }
  | { readonly kind: "failed"; readonly errnoName: string };

/** Reads to the end, but no more than `maxBytes`. Waits for what comes later, as a pipe. */
export function readToEnd(fd: Fd, maxBytes: number): ReadOutcome {
  const { read } = libc();
  const limit = asU32(maxBytes, "the limit") + 1;
  let buffer = new Uint8Array(Math.min(PIECE_BYTES, limit));
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length === limit) return { kind: "too-long" };
      const larger = new Uint8Array(Math.min(length * 4, limit));
      larger.set(buffer);
      buffer = larger;
    }
    const room = buffer.subarray(length);
    const result = retryInterrupted(() => read(asFd(fd), room, room.length));
    if (result === 0) return { kind: "read", bytes: buffer.subarray(0, length) };
    if (result === -EAGAIN) Bun.sleepSync(BUSY_WAIT_MS);
    else if (result < 0) return { kind: "failed", errnoName: errnoName(-result) };
    else length += result;
  }
}

/** Reads a whole file, but no more than `maxBytes`. */
export function readWholeFile(path: string, maxBytes: number): ReadOutcome {
  if (path.includes("\0")) return { kind: "failed", errnoName: "ENOENT" };
  const name = new TextEncoder().encode(`${path}\0`);
  const fd = retryInterrupted(() => libc().open(name, O_RDONLY | O_CLOEXEC, 0));
  if (fd < 0) return { kind: "failed", errnoName: errnoName(-fd) };
  try {
    return readToEnd(asFd(fd), maxBytes);
  } finally {
    closeFd(asFd(fd));
  }
}
