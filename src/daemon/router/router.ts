/** The loop around the failover machine: inputs, turns that are due, and how late they were. */
import { type Boot, createState, nextDeadline, step } from "../../failover/failover.ts";
import type { Effect } from "../../failover/machine/effect.ts";
import type { Input } from "../../failover/machine/failover-input.ts";
import type { State } from "../../failover/machine/state.ts";

/** What the loop needs of the world. */
export interface RouterWorld {
  /** Monotonic milliseconds. */
  now(): number;
  /** Heartbeats and owners' answers that wait in sockets: read before anything is judged (rule 7). */
  drain(): readonly Input[];
  /** Does one effect; what becomes of it comes back through `Router.feed`. Never throws. */
  perform(effect: Effect): void;
  /** A turn could not be finished: nothing is stepped any more. */
  crashed(error: unknown): void;
}

/** How late the loop woke for its deadlines, for status and for the proof that heartbeats are on time. */
export interface Lateness {
  readonly wakes: number;
  readonly lastMs: number;
  readonly maxMs: number;
}

/** Turns in a row that events may begin at once: more than a planned move on two paths needs. */
const BURST_TURNS = 64;
/** Beyond them there is one in this time. */
const TURN_GAP_MS = 2;
/** As many events as this do not wait. */
const QUEUE_MAX = 1_000;
/** Timers below a millisecond would spin. */
const SLEEP_MIN_MS = 1;
/** An idle loop looks at its clock this often all the same. */
const SLEEP_MAX_MS = 1_000;

/**
 * The loop around the failover machine. In each turn it first reads whatever waits, steps each of it, then lets the
 * machine judge once (`tick`), and sleeps until the machine's next deadline.
 */
export class Router {
  readonly #world: RouterWorld;
  readonly #queue: Input[] = [];
  #state: State;
  #turning = false;
  #timer: Timer | undefined;
  #dueAtMs: number | undefined;
  #lateness: Lateness = { wakes: 0, lastMs: 0, maxMs: 0 };
  #stopped = false;
  #turns = 0;
  /** Turns that may begin at once, and when that was last counted. */
  #credit = BURST_TURNS;
  #creditedAtMs = Number.NEGATIVE_INFINITY;
  #deferred: Timer | undefined;

  constructor(boot: Boot, world: RouterWorld) {
    this.#state = createState(boot);
    this.#world = world;
  }

  get state(): State {
    return this.#state;
  }

  /** Turns that were finished: grows while the router works. */
  get turns(): number {
    return this.#turns;
  }

  get lateness(): Lateness {
    return this.#lateness;
  }

  /** Takes an input now, or, when it comes out of an effect of this very turn, before the turn ends. */
  feed(...inputs: Input[]): void {
    if (this.#stopped) return;
    this.#queue.push(...inputs);
    if (!this.#turning) this.#turnSoon();
  }

  /** Something waits in a socket: a turn follows, at once as a rule. */
  ready(): void {
    if (!this.#stopped && !this.#turning) this.#turnSoon();
  }

  /** Whatever was fed has been stepped. */
  flush(): void {
    if (!this.#stopped && !this.#turning && this.#queue.length > 0) this.#turn();
  }

  /** A flood of events gets some hundred turns a second, each of which reads all that waits. */
  #turnSoon(): void {
    const now = this.#world.now();
    const earned = (now - this.#creditedAtMs) / TURN_GAP_MS;
    this.#credit = Math.min(BURST_TURNS, this.#credit + Math.max(0, earned));
    this.#creditedAtMs = now;
    if (this.#credit >= 1 || this.#queue.length >= QUEUE_MAX) {
      this.#credit -= 1;
      this.#turn();
    } else this.#deferred ??= setTimeout(() => this.#turn(), TURN_GAP_MS);
  }

  /** No further step; nothing is undone. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deferred);
  }

  /**
   * Whoever caused the turn (a timer, a socket's callback, an operator's client) may not see what it throws, so it is
   * caught here: a router that cannot finish a turn must not look alive.
   */
  #turn(): void {
    this.#turning = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deferred);
    this.#deferred = undefined;
    try {
      for (const input of this.#world.drain()) this.#step(input);
      this.#stepQueue();
      this.#step({ kind: "tick" });
      this.#stepQueue();
      this.#turns += 1;
      this.#turning = false;
      this.#sleep();
    } catch (error) {
      this.stop();
      this.#world.crashed(error);
    }
  }

  #stepQueue(): void {
    for (let input = this.#queue.shift(); input !== undefined; input = this.#queue.shift()) this.#step(input);
  }

  #step(input: Input): void {
    if (this.#stopped) return;
    const result = step(this.#state, input, this.#world.now());
    this.#state = result.state;
    for (const effect of result.effects) this.#world.perform(effect);
  }

  #sleep(): void {
    if (this.#stopped) return;
    const now = this.#world.now();
    const due = nextDeadline(this.#state) ?? now + SLEEP_MAX_MS;
    const sleepMs = Math.min(SLEEP_MAX_MS, Math.max(SLEEP_MIN_MS, Math.ceil(due - now)));
    this.#dueAtMs = now + sleepMs;
    this.#timer = setTimeout(() => this.#wake(), sleepMs);
  }

  #wake(): void {
    const lateMs = Math.max(0, this.#world.now() - (this.#dueAtMs ?? 0));
    this.#lateness = {
      wakes: this.#lateness.wakes + 1,
      lastMs: lateMs,
      maxMs: Math.max(this.#lateness.maxMs, lateMs),
    };
    this.#turn();
  }
}
