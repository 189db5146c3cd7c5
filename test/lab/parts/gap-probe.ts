/**
 * A datagram every few milliseconds to a UDP service that echoes it: how long was nobody there?
 * The clock is the time of sending, so that a pause of this process isn't taken for one of the network; its own
 * longest pause is reported beside, and a gap that is no longer than that says nothing.
 */
import type { udp } from "bun";
import type { Hosts } from "../topology.ts";

export interface GapReport {
  readonly sent: number;
  readonly lost: number;
  /** The longest time between two datagrams, sent one after the other, that were answered. */
  readonly longestGapMs: number;
  /** When the gap began, on the clock of `performance.now()`. */
  readonly longestGapAtMs: number;
  /** The longest time between two sendings. */
  readonly longestPauseMs: number;
}

/** Where the datagrams come from and go to. */
export interface GapTarget {
  /** Default: the client. */
  readonly from?: string;
  /** An address of that host that isn't its first one. */
  readonly source?: string;
  readonly address: string;
  readonly port: number;
}

/** From when to when a gap does not count. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Half an hour at 1 kHz. */
const SENT_LIMIT = 1_800_000;
const GRACE_TURN_MS = 20;

export class GapProbe {
  readonly #socket: udp.ConnectedSocket<"buffer">;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #sentAtMs: number[] = [];
  readonly #answered: ReadonlySet<number>;
  /** Whoever probes looks away: nobody can be reached, or is meant to be. */
  readonly #away: Span[] = [];
  #awaySinceMs: number | undefined;

  private constructor(socket: udp.ConnectedSocket<"buffer">, answered: Set<number>, everyMs: number) {
    this.#socket = socket;
    this.#answered = answered;
    this.#timer = setInterval(() => this.#send(), everyMs);
  }

  /** Begins to probe. At 1 ms the probe alone takes half of the user-mode kernel's CPU. */
  static async start(hosts: Hosts, target: GapTarget, everyMs = 1): Promise<GapProbe> {
    const answered = new Set<number>();
    const socket = await hosts.on(target.from ?? "client", () =>
      Bun.udpSocket({
        hostname: target.source ?? (target.address.includes(":") ? "::" : "0.0.0.0"),
        connect: { hostname: target.address, port: target.port },
        socket: {
          data(_socket, bytes) {
            answered.add(bytes.readUInt32BE(0));
          },
          // Refused by ICMP while nobody has the address: the same as no answer.
          error() {},
        },
      }),
    );
    return new GapProbe(socket, answered, everyMs);
  }

  /** How many have been answered so far. */
  get answered(): number {
    return this.#answered.size;
  }

  /** From now on, until `lookAgain`, no gap counts. */
  lookAway(): void {
    this.#awaySinceMs ??= performance.now();
  }

  lookAgain(): void {
    if (this.#awaySinceMs === undefined) return;
    this.#away.push({ fromMs: this.#awaySinceMs, toMs: performance.now() });
    this.#awaySinceMs = undefined;
  }

  /** The figures since the start. */
  report(): GapReport {
    const away = [
      ...this.#away,
      ...(this.#awaySinceMs === undefined ? [] : [{ fromMs: this.#awaySinceMs, toMs: Infinity }]),
    ];
    const counts = (atMs: number) => !away.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
    const answeredAtMs = this.#sentAtMs.filter((_, sequence) => this.#answered.has(sequence));
    // A gap that hasn't ended yet lasts until the last datagram sent; one that has been there from the start began with
    // the first.
    const gap = longestStep([...this.#sentAtMs.slice(0, 1), ...answeredAtMs, ...this.#sentAtMs.slice(-1)], away);
    return {
      sent: this.#sentAtMs.filter(counts).length,
      lost: this.#sentAtMs.filter((atMs, sequence) => counts(atMs) && !this.#answered.has(sequence)).length,
      longestGapMs: gap.lengthMs,
      longestGapAtMs: gap.atMs,
      longestPauseMs: longestStep(this.#sentAtMs).lengthMs,
    };
  }

  /** Waits a moment for answers on their way, then reports and ends. */
  async stop(graceMs = 200): Promise<GapReport> {
    clearInterval(this.#timer);
    // In turns: a process that was held up for as long as that has had one of them, and reads in the next.
    for (
      let waitedMs = 0;
      waitedMs < graceMs && this.#answered.size < this.#sentAtMs.length;
      waitedMs += GRACE_TURN_MS
    ) {
      await Bun.sleep(GRACE_TURN_MS);
    }
    this.#socket.close();
    return this.report();
  }

  #send(): void {
    if (this.#sentAtMs.length >= SENT_LIMIT) return;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#sentAtMs.length);
    this.#sentAtMs.push(performance.now());
    try {
      this.#socket.send(bytes);
    } catch {
      // No route or a pending ICMP error: counts as lost.
    }
  }
}

/** The longest step between neighbours of an ascending list, without the spans that do not count. */
export function longestStep(
  timesMs: readonly number[],
  without: readonly Span[] = [],
): { readonly lengthMs: number; readonly atMs: number } {
  let longest = { lengthMs: 0, atMs: 0 };
  let previous: number | undefined;
  for (const timeMs of timesMs) {
    if (previous !== undefined) {
      const lengthMs = lengthWithout({ fromMs: previous, toMs: timeMs }, without);
      if (lengthMs > longest.lengthMs) longest = { lengthMs, atMs: previous };
    }
    previous = timeMs;
  }
  return longest;
}

function lengthWithout(step: Span, without: readonly Span[]): number {
  const shared = without.map(({ fromMs, toMs }) => Math.min(step.toMs, toMs) - Math.max(step.fromMs, fromMs));
  return step.toMs - step.fromMs - shared.reduce((sum, ms) => sum + Math.max(0, ms), 0);
}
