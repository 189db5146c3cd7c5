/** Before this router may be active it has been asked for three times: one question may be lost. */
const FIRST_ROUNDS_MS: readonly number[] = [0, 20, 45];
const EVERY_MS = 10_000;

/** When it is asked whether another machine has this router's own addresses: a clone, say, or a restored backup. */
export class TwinWatch {
  readonly #ask: () => void;
  #timers: Timer[] = [];
  #interval: Timer | undefined;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Asks at once, and from then on. Again where an address is on another interface than before. */
  start(): void {
    this.close();
    this.#timers = FIRST_ROUNDS_MS.slice(1).map((ms) => setTimeout(this.#ask, ms));
    this.#interval = setInterval(this.#ask, EVERY_MS);
    this.#ask();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    clearInterval(this.#interval);
  }
}
