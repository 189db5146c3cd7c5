/** All states of a search, each once: words in one array, found again by an open table of their numbers. */
import { pack, type State, unpack, WORDS } from "./state.ts";

const FIRST_SIZE = 1 << 12;
/** The table is never fuller than this. */
const FULL = 0.6;

export class StateStore {
  #words = new Int32Array(FIRST_SIZE * WORDS);
  /** A number and one more; 0 is free. */
  #table = new Int32Array(FIRST_SIZE * 2);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the state's number: the present size when it is new. */
  add(state: State): number {
    if ((this.#size + 1) * WORDS > this.#words.length) this.#growWords();
    const at = this.#size * WORDS;
    pack(state, this.#words, at);
    const slot = this.#find(at);
    const known = this.#table[slot] ?? 0;
    if (known > 0) return known - 1;
    this.#size += 1;
    this.#table[slot] = this.#size;
    if (this.#size > this.#table.length * FULL) this.#growTable();
    return this.#size - 1;
  }

  read(id: number, into: State): void {
    unpack(this.#words, id * WORDS, into);
  }

  /** The slot of the state whose words are there, or the free one where it belongs. */
  #find(at: number): number {
    const mask = this.#table.length - 1;
    let slot = this.#hash(at) & mask;
    for (;;) {
      const known = this.#table[slot] ?? 0;
      if (known === 0 || this.#isSame((known - 1) * WORDS, at)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** FNV-1a by words, and a last mixing. */
  #hash(at: number): number {
    let hash = 0x811c9dc5;
    for (let index = 0; index < WORDS; index += 1) {
      hash = Math.imul(hash ^ (this.#words[at + index] ?? 0), 0x01000193);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #isSame(one: number, other: number): boolean {
    for (let index = 0; index < WORDS; index += 1) {
      if (this.#words[one + index] !== this.#words[other + index]) return false;
    }
    return true;
  }

  #growWords(): void {
    const words = new Int32Array(this.#words.length * 2);
    words.set(this.#words);
    this.#words = words;
  }

  #growTable(): void {
    this.#table = new Int32Array(this.#table.length * 2);
    for (let id = 0; id < this.#size; id += 1) this.#table[this.#find(id * WORDS)] = id + 1;
  }
}
