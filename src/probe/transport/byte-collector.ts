/** Collects the first bytes of an answer for a dialogue that reads packets; what goes over the limit is left out. */
export class ByteCollector {
  readonly #limitBytes: number;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes.length >= this.#limitBytes;
  }

  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(0, this.#limitBytes - this.#bytes.length)]);
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
  }
}
