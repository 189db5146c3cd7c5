/** Whether anything comes in on an interface, by its counters. */
import { readFileSync } from "node:fs";

/** What an interface has heard. Times are monotonic milliseconds, as given to `look` and `neighbourAnswered`. */
export interface FrameEvidence {
  /** When the kernel's count of received frames was last seen to grow; absent: not since the watch began. */
  readonly lastFrameAtMs?: number;
  readonly lastNeighbourAtMs?: number;
}

interface Seen {
  frames: string;
  lastFrameAtMs?: number;
  lastNeighbourAtMs?: number;
}

/**
 * The interfaces of this thread's network namespace with their counters. Reading it takes no lock that an address change
 * could hold (dev_seq_ops walks the list under RCU), and some 20 µs.
 */
const COUNTERS_FILE = "/proc/thread-self/net/dev";
/** `  eth0: 123 45 …`: the bytes, then the frames received. */
const COUNTERS_LINE = /^\s*(\S+):\s*\d+\s+(\d+)/;

/** The received frames of each interface, as texts: they are only compared, and may exceed a number's precision. */
export function parseFrameCounters(text: string): Map<string, string> {
  const counters = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = COUNTERS_LINE.exec(line);
    const [name, frames] = [match?.[1], match?.[2]];
    if (name !== undefined && frames !== undefined) counters.set(name, frames);
  }
  return counters;
}

/**
 * Evidence that an interface hears anybody at all: a side that hears no frame is blind, whatever its carrier says.
 * The count of frames costs nothing on a router that forwards millions of them; who looks at every tick knows the time
 * of the last frame to one tick.
 */
export class FrameWatch {
  #interfaces: ReadonlyMap<string, Seen> = new Map();
  readonly #read: () => string;

  /**
   * @param interfaces names; they may come and go
   * @param read gives the text of /proc/net/dev
   */
  constructor(interfaces: readonly string[], read: () => string = () => readFileSync(COUNTERS_FILE, "latin1")) {
    this.#read = read;
    this.follow(interfaces);
  }

  /** Watches these from now on; what was heard on those that stay is kept. */
  follow(interfaces: readonly string[]): void {
    if (interfaces.length === this.#interfaces.size && interfaces.every((name) => this.#interfaces.has(name))) return;
    const counters = this.#counters();
    const begin = (name: string): Seen => ({ frames: counters.get(name) ?? "" });
    this.#interfaces = new Map(interfaces.map((name) => [name, this.#interfaces.get(name) ?? begin(name)]));
  }

  /** Reads the counters. An interface that is not there has no new evidence. */
  look(nowMs: number): void {
    const counters = this.#counters();
    for (const [name, seen] of this.#interfaces) {
      const frames = counters.get(name);
      if (frames === undefined || frames === seen.frames) continue;
      // A first count, of an interface that has just appeared, says nothing about when its frames came.
      if (seen.frames !== "") seen.lastFrameAtMs = nowMs;
      seen.frames = frames;
    }
  }

  /** A neighbour on that interface, not the peer, has shown that it is there. */
  neighbourAnswered(name: string, nowMs: number): void {
    const seen = this.#interfaces.get(name);
    if (seen !== undefined) seen.lastNeighbourAtMs = nowMs;
  }

  /** What that interface has heard so far. */
  evidence(name: string): FrameEvidence {
    const seen = this.#interfaces.get(name);
    return {
      ...(seen?.lastFrameAtMs === undefined ? {} : { lastFrameAtMs: seen.lastFrameAtMs }),
      ...(seen?.lastNeighbourAtMs === undefined ? {} : { lastNeighbourAtMs: seen.lastNeighbourAtMs }),
    };
  }

  #counters(): Map<string, string> {
    try {
      return parseFrameCounters(this.#read());
    } catch {
      // Without /proc there is no evidence, which is what an empty map says.
      return new Map();
    }
  }
}
