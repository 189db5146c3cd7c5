/**
 * Looks for a text in bytes that come in pieces, however they are cut. Keeps no more than the text is long, besides the
 * first bytes for the report.
 */
export class TextSearch {
  readonly #wanted: Uint8Array;
  readonly #limitBytes: number;
  #tail: Uint8Array = new Uint8Array(0);
  #head: Uint8Array = new Uint8Array(0);
  #seenBytes = 0;
  #found: boolean;

  /** @param limitBytes where to stop looking */
  constructor(wanted: string, limitBytes: number) {
    this.#wanted = new TextEncoder().encode(wanted);
    this.#limitBytes = limitBytes;
    this.#found = wanted === "";
  }

  get found(): boolean {
    return this.#found;
  }

  /** The first bytes that came, at most 64. */
  get head(): Uint8Array {
    return this.#head;
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
    this.#found = window.includes(this.#wanted);
    this.#tail = Uint8Array.from(window.subarray(Math.max(0, window.length - this.#wanted.length + 1)));
  }
}
