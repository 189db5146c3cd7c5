/**
 * Looks for a text in bytes that come in pieces, however they are cut. Keeps no more than the text is long, besides the
 * first bytes for the report.
 */
export class TextSearch {
  readonly #wanted: Uint8Array;
  readonly #limitBytes: number;
  #tail: Uint8Array = new Uint8Array(0);
  #head: Uint8Array = new Uint8Array(0);
  #rest: Uint8Array = new Uint8Array(0);
  #seenBytes = 0;
  #found: boolean;

  /** @param limitBytes where to stop looking */
  constructor(wanted: string | Uint8Array, limitBytes: number) {
    this.#wanted = typeof wanted === "string" ? new TextEncoder().encode(wanted) : wanted;
    this.#limitBytes = limitBytes;
    this.#found = this.#wanted.length === 0;
  }

  get found(): boolean {
    return this.#found;
  }

  /** The first bytes that came, at most 64. */
  get head(): Uint8Array {
    return this.#head;
  }

  /** What followed the text in the piece in which it ended. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  get seenBytes(): number {
    return this.#seenBytes;
  }

  /** Whether the limit is reached without the text. */
  get exhausted(): boolean {
    return !this.#found && this.#seenBytes >= this.#limitBytes;
  }

  push(given: Uint8Array): void {
    const bytes = given.subarray(0, Math.max(0, this.#limitBytes - this.#seenBytes));
    this.#seenBytes += bytes.length;
    // 64: a little more than a report quotes (probe-text.ts).
    if (this.#head.length < 64) this.#head = Buffer.concat([this.#head, bytes.subarray(0, 64 - this.#head.length)]);
    if (this.#found || bytes.length === 0) return;
    const window = Buffer.concat([this.#tail, bytes]);
    const at = window.indexOf(this.#wanted);
    this.#found = at >= 0;
    if (this.#found) {
      // The text ends within this piece, so what follows it is the end of what was given.
      const after = at + this.#wanted.length - this.#tail.length;
      this.#rest = given.subarray(after);
    }
    this.#tail = Uint8Array.from(window.subarray(Math.max(0, window.length - this.#wanted.length + 1)));
  }
}
