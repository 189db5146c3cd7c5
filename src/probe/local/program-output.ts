import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { openPipe, readPipe } from "../../sys/process/pipe.ts";

/**
 * What a program says, by a pipe of its own. (The engine's would be sockets, which a program cannot open as
 * `/dev/stderr`, and would make up to 200 MB of garbage in half a second of one that writes without end.) All of them are
 * read into one buffer, a pipe's worth every few milliseconds: who writes faster waits for it.
 */

/** What is kept of a program's output for the report; the rest is read and thrown away. */
export const OUTPUT_KEPT_BYTES = 4 * 1024;
/** pipe(7): what a pipe holds. */
const PIPE_BYTES = 64 * 1024;
/** Pipes are looked at this often after there was something in one, … */
const LOOK_FIRST_MS = 5;
/** … and no more seldom than this. */
const LOOK_QUIET_MS = 80;

const buffer = new Uint8Array(PIPE_BYTES);
const open = new Set<ProgramOutput>();
let timer: Timer | undefined;
let pauseMs = LOOK_FIRST_MS;

function look(): void {
  let isQuiet = true;
  for (const output of open) if (output.read()) isQuiet = false;
  pauseMs = isQuiet ? Math.min(2 * pauseMs, LOOK_QUIET_MS) : LOOK_FIRST_MS;
  timer = open.size === 0 ? undefined : setTimeout(look, pauseMs);
}

function lookSoon(): void {
  clearTimeout(timer);
  pauseMs = LOOK_FIRST_MS;
  timer = setTimeout(look, pauseMs);
}

export class ProgramOutput implements Disposable {
  readonly #reading: Fd;
  #writing: Fd | undefined;
  #bytes: Uint8Array | undefined;
  #length = 0;

  /**
   * @param writer the user id of the program, when it is not that of this process
   * @throws SyscallError.
   */
  constructor(writer?: number) {
    const { reading, writing } = openPipe(writer);
    this.#reading = reading;
    this.#writing = writing;
  }

  /** The end for the program; it is this process's no more after `begin`. */
  get writing(): Fd {
    if (this.#writing === undefined) throw new Error("the program has this end");
    return this.#writing;
  }

  /** The first bytes. */
  get kept(): Uint8Array {
    return this.#bytes?.subarray(0, this.#length) ?? new Uint8Array(0);
  }

  /** The program has been started. */
  begin(): void {
    this.#closeWriting();
    open.add(this);
    lookSoon();
  }

  /** Takes what is there now, a pipe's worth at the most. @returns whether there was anything. */
  read(): boolean {
    const count = readPipe(this.#reading, buffer);
    if (count <= 0) return false;
    const taken = buffer.subarray(0, Math.min(count, OUTPUT_KEPT_BYTES - this.#length));
    if (taken.length > 0) {
      this.#bytes ??= new Uint8Array(OUTPUT_KEPT_BYTES);
      this.#bytes.set(taken, this.#length);
      this.#length += taken.length;
    }
    return true;
  }

  /** Lets go of it, though a process outside the group may still hold the other end. */
  [Symbol.dispose](): void {
    open.delete(this);
    this.#closeWriting();
    closeFd(this.#reading);
  }

  #closeWriting(): void {
    if (this.#writing !== undefined) closeFd(this.#writing);
    this.#writing = undefined;
  }
}
