/** Single keys from the terminal, without Enter, while its signals (Ctrl-C, Ctrl-Z) work as ever. */
import { POLLIN } from "../libc/constants.ts";
import { asFd, type Fd } from "../libc/fd.ts";
import { libc } from "../libc/libc.ts";

/** ioctl_tty(2); their numbers are those of asm-generic/ioctls.h. */
const TCGETS = 0x5401;
const TCSETS = 0x5402;
const TIOCGPGRP = 0x540f;
/** struct termios (asm-generic/termbits.h): four words of flags, the line discipline, 19 control characters. */
const TERMIOS_BYTES = 36;
const LOCAL_FLAGS_AT = 12;
const CONTROL_CHARACTERS_AT = 17;
const VTIME = 5;
const VMIN = 6;
const ICANON = 0o2;
const ECHO = 0o10;
/** More than anybody types between two looks. */
const KEYS_BYTES = 256;

function localFlags(settings: Uint8Array): number {
  return new DataView(settings.buffer).getUint32(LOCAL_FLAGS_AT, true);
}

export class TerminalKeys {
  readonly #fd: Fd;
  readonly #before: Uint8Array;
  readonly #ours: Uint8Array;

  /** @returns undefined where the descriptor is no terminal. */
  static open(fd: Fd): TerminalKeys | undefined {
    const settings = new Uint8Array(TERMIOS_BYTES);
    return libc().ioctl(asFd(fd), TCGETS, settings) === 0 ? new TerminalKeys(fd, settings) : undefined;
  }

  private constructor(fd: Fd, before: Uint8Array) {
    this.#fd = fd;
    this.#before = before;
    this.#ours = before.slice();
    const flags = localFlags(before) & ~(ICANON | ECHO);
    new DataView(this.#ours.buffer).setUint32(LOCAL_FLAGS_AT, flags, true);
    // A read gives what is there, if only one key, and waits for nothing.
    this.#ours[CONTROL_CHARACTERS_AT + VMIN] = 0;
    this.#ours[CONTROL_CHARACTERS_AT + VTIME] = 0;
  }

  /**
   * What was typed since the last time. The terminal is made ready for that at the first time, and again where a shell
   * has changed it since (Ctrl-Z, fg). In the background nothing is touched: the kernel would stop the process.
   */
  typed(): string {
    if (!this.#isInForeground() || !this.#makeReady()) return "";
    const polled = new Int16Array(4);
    new Int32Array(polled.buffer)[0] = asFd(this.#fd);
    polled[2] = POLLIN;
    if (libc().poll(polled, 1, 0) !== 1) return "";
    const keys = new Uint8Array(KEYS_BYTES);
    const length = libc().read(asFd(this.#fd), keys, keys.length);
    return new TextDecoder().decode(keys.subarray(0, Math.max(0, Number(length))));
  }

  /** Gives the terminal back as it was. */
  restore(): void {
    if (this.#isInForeground()) libc().ioctl(asFd(this.#fd), TCSETS, this.#before);
  }

  #makeReady(): boolean {
    const now = new Uint8Array(TERMIOS_BYTES);
    if (libc().ioctl(asFd(this.#fd), TCGETS, now) !== 0) return false;
    if (localFlags(now) === localFlags(this.#ours)) return true;
    return libc().ioctl(asFd(this.#fd), TCSETS, this.#ours) === 0;
  }

  #isInForeground(): boolean {
    const group = new Int32Array(1);
    // Refused where the terminal is not the one that controls this process, and then the kernel stops nobody for it.
    return libc().ioctl(asFd(this.#fd), TIOCGPGRP, group) !== 0 || group[0] === libc().getpgrp();
  }
}
