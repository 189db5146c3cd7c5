/** Descriptors that are looked at together: one poll(2) for all of them, whenever somebody asks. */
import { assert } from "../../lib/assert.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from "../libc/constants.ts";
import { asFd, type Fd } from "../libc/fd.ts";
import { libc } from "../libc/libc.ts";

/** What a descriptor is watched for; errors are told in any case. */
export const WRITABLE = POLLOUT;
export const READABLE = POLLIN | POLLRDHUP;

/** What poll(2) said of a descriptor. */
export function isBroken(events: number): boolean {
  return (events & (POLLERR | POLLHUP)) !== 0;
}

/** Whether the other side has sent its last byte. */
export function isEnding(events: number): boolean {
  return (events & (POLLRDHUP | POLLHUP | POLLERR)) !== 0;
}

/** One descriptor in a set. The set keeps its place there. */
export interface Polled {
  readonly fd: Fd;
  place: number;
}

/** struct pollfd: int fd; short events; short revents. */
const WORDS = 4;
const CAPACITY_FIRST = 64;

export class PollSet<Entry extends Polled> {
  #words = new Int16Array(CAPACITY_FIRST * WORDS);
  #fds = new Int32Array(this.#words.buffer);
  readonly #entries: Entry[] = [];
  readonly #ready: { entry: Entry; events: number }[] = [];

  get size(): number {
    return this.#entries.length;
  }

  entries(): readonly Entry[] {
    return this.#entries;
  }

  add(entry: Entry, events: number): void {
    const place = this.#entries.length;
    if ((place + 1) * WORDS > this.#words.length) this.#grow();
    entry.place = place;
    this.#entries.push(entry);
    this.#fds[place * 2] = asFd(entry.fd);
    this.#words[place * WORDS + 2] = events;
    this.#words[place * WORDS + 3] = 0;
  }

  watch(entry: Entry, events: number): void {
    assert(this.#entries[entry.place] === entry, "only a descriptor of the set is watched");
    this.#words[entry.place * WORDS + 2] = events;
  }

  /** The last one takes the place of the one that goes. */
  remove(entry: Entry): void {
    const { place } = entry;
    assert(this.#entries[place] === entry, "only a descriptor of the set is removed");
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    this.#entries[place] = last;
    last.place = place;
    const from = this.#entries.length * WORDS;
    this.#words.copyWithin(place * WORDS, from, from + WORDS);
  }

  /** Those about which there is something to tell, without waiting for it; valid until the next call. */
  ready(): readonly { readonly entry: Entry; readonly events: number }[] {
    const ready = this.#ready;
    ready.length = 0;
    const count = this.#entries.length;
    if (count === 0) return ready;
    // A failure (a signal, no memory) is as if nothing had happened: the next look comes soon.
    let left = libc().poll(this.#words, count, 0);
    for (let place = 0; place < count && left > 0; place += 1) {
      const events = this.#words[place * WORDS + 3] ?? 0;
      const entry = this.#entries[place];
      if (events === 0 || entry === undefined) continue;
      ready.push({ entry, events });
      left -= 1;
    }
    return ready;
  }

  #grow(): void {
    const larger = new Int16Array(this.#words.length * 2);
    larger.set(this.#words);
    this.#words = larger;
    this.#fds = new Int32Array(larger.buffer);
  }
}
