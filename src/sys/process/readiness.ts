/**
 * Waiting for datagrams on any socket without a thread: Bun's event loop polls a descriptor that is given to
 * `Bun.connect` and calls back with each datagram.
 *
 * Bun takes the descriptor for a stream: a zero-length datagram is the end to it, an error stored in the socket (an
 * interface that went down, an overrun) is the end as well, and then it closes the descriptor. So it gets a duplicate,
 * and when that is closed the watch starts again with another one; our own descriptor stays open and what waits in the
 * kernel is not lost.
 */
import { assert } from "../../lib/assert.ts";
import { closeFd, duplicateFd, type Fd } from "../libc/fd.ts";

/** A descriptor being watched. */
export interface Watch {
  /** How often the event loop gave the socket up, and the watch began again. */
  readonly interruptions: number;
  /** Stops watching. The descriptor stays open and belongs to the caller. */
  close(): void;
  [Symbol.dispose](): void;
}

/** A socket that ends again and again (its interface is gone) is not watched again at once more often than this … */
const RESTARTS_AT_ONCE_MAX = 64;
/** … and then only this often, each time with as many restarts as before. */
const RESTART_PAUSE_MS = 20;

type Callbacks = {
  readonly onData: (bytes: Uint8Array) => void;
  readonly onInterrupted: (reason: string) => void;
};

class DatagramWatch implements Watch {
  interruptions = 0;
  readonly #fd: Fd;
  readonly #callbacks: Callbacks;
  #socket: { terminate(): void } | undefined;
  #closed = false;
  #restartsLeft = RESTARTS_AT_ONCE_MAX;
  #pause: Timer | undefined;

  constructor(fd: Fd, callbacks: Callbacks) {
    this.#fd = fd;
    this.#callbacks = callbacks;
    this.#start();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#socket?.terminate();
    this.#socket = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #start(): void {
    const duplicate = duplicateFd(this.#fd);
    let reason = "ended";
    const connecting = Bun.connect({
      // Not in the type declarations of Bun, but in its documentation of sockets made from descriptors.
      ...{ fd: duplicate as number },
      // Required by the type declarations only.
      unix: "",
      socket: {
        open: (socket) => {
          if (this.#closed) socket.terminate();
          else this.#socket = socket;
        },
        data: (_, bytes) => this.#deliver(bytes),
        error: (_, error) => {
          reason = error.message;
        },
        close: () => this.#ended(reason),
      },
    });
    connecting.catch((error: unknown) => {
      // Bun did not take the descriptor over, so it is still ours to close.
      closeFd(duplicate);
      this.#ended(String(error));
    });
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#restartsLeft = RESTARTS_AT_ONCE_MAX;
    try {
      this.#callbacks.onData(bytes);
    } catch (error) {
      // Bun would hand it to `error` above, where a mistake in the program would look like a broken socket.
      reportError(error);
    }
  }

  #ended(reason: string): void {
    this.#socket = undefined;
    if (this.#closed) return;
    this.interruptions += 1;
    if (this.#restartsLeft > 0) {
      this.#restartsLeft -= 1;
      this.#start();
    } else {
      this.#pause = setTimeout(() => {
        this.#restartsLeft = RESTARTS_AT_ONCE_MAX;
        this.#start();
      }, RESTART_PAUSE_MS);
    }
    this.#callbacks.onInterrupted(reason);
  }
}

/**
 * Calls `onData` with each datagram that comes in on `fd`. The descriptor becomes non-blocking. It stays the caller's:
 * close the watch first, then the descriptor.
 * @param onInterrupted called when the socket had an error (the kernel dropped messages, the interface went down) or
 *   got a zero-length datagram. The watch goes on by itself; who needs every message should ask for the whole state again.
 */
export function watchDatagrams(
  fd: Fd,
  onData: (bytes: Uint8Array) => void,
  onInterrupted: (reason: string) => void = () => {},
): Watch {
  assert(fd >= 0, "only an open descriptor can be watched");
  return new DatagramWatch(fd, { onData, onInterrupted });
}
