/** Reading and writing connected stream sockets that never wait. */
import { assert } from "../../lib/assert.ts";
import { EAGAIN, MSG_DONTWAIT, MSG_NOSIGNAL } from "../libc/constants.ts";
import { asFd, type Fd } from "../libc/fd.ts";
import { libc } from "../libc/libc.ts";
import { retryInterrupted } from "./socket.ts";

/** What one read takes at the most: a server that never ends gets no more of a turn than this. */
export const READ_LIMIT_BYTES = 16_384;

/** `empty`: nothing now; `end`: nothing any more. */
export type ReadOutcome =
  | { readonly kind: "read"; readonly bytes: Uint8Array; readonly isFull: boolean }
  | { readonly kind: "empty" }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly errno: number };

const buffer = new Uint8Array(READ_LIMIT_BYTES);
const EMPTY: ReadOutcome = { kind: "empty" };
const END: ReadOutcome = { kind: "end" };

/** Reads what is there, as a copy. `isFull`: there may be more. */
export function readStream(fd: Fd): ReadOutcome {
  const result = retryInterrupted(() => libc().recv(asFd(fd), buffer, buffer.length, MSG_DONTWAIT));
  if (result === -EAGAIN) return EMPTY;
  if (result < 0) return { kind: "failed", errno: -result };
  return result === 0 ? END : { kind: "read", bytes: buffer.slice(0, result), isFull: result === buffer.length };
}

/** Writes as much as there is room for. @returns how many bytes, or the negative errno. */
export function writeStream(fd: Fd, bytes: Uint8Array): number {
  assert(bytes.length > 0, "there is something to write");
  const { sendto } = libc();
  const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const result = retryInterrupted(() => sendto(asFd(fd), bytes, bytes.length, flags, null, 0));
  return result === -EAGAIN ? 0 : result;
}
