/** Keys typed while a page is shown again and again, and the terminal as it was before, however that ends. */
import { keysOfTerminal, type TerminalKeys } from "../../kernel/machine/standard-streams.ts";
import { isTerminal } from "./terminal.ts";

/** So soon a key does something. */
const LOOK_EVERY_MS = 100;
/** Signals that end a program; the terminal is given back before they do. */
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Whoever watches has seen enough. */
export class WatchEnded extends Error {
  override readonly name = "WatchEnded";
}

/** The keys of a view that is shown again and again: `q` ends it, also where no terminal is left to be redrawn. */
export class WatchKeys implements Disposable {
  readonly #keys: TerminalKeys | undefined;

  constructor() {
    this.#keys = isTerminal("stdout") ? keysOfTerminal() : undefined;
    if (this.#keys === undefined) return;
    for (const signal of ENDINGS) process.once(signal, this.#end);
  }

  /** Waits, as long as nobody wants to end it. @throws WatchEnded */
  async pause(ms: number): Promise<void> {
    if (this.#keys === undefined) {
      await Bun.sleep(ms);
      return;
    }
    const untilMs = performance.now() + ms;
    for (;;) {
      if (/[qQ]/.test(this.#keys.typed())) throw new WatchEnded();
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) return;
      await Bun.sleep(Math.min(LOOK_EVERY_MS, leftMs));
    }
  }

  /** Whoever started this program is to see that a signal ended it, as without a terminal. */
  readonly #end = (signal: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  };

  [Symbol.dispose](): void {
    for (const signal of ENDINGS) process.off(signal, this.#end);
    this.#keys?.restore();
  }
}
