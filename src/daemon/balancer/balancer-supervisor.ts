/** The balancer as a child process: started, ended when it hangs, started again; requests to it and their answers. */
import type { Subprocess } from "bun";
import type { Drain } from "../../balance/servers/drains.ts";
import { DecodeError } from "../../lib/errors.ts";
import { systemMessage } from "../../lib/system-reason.ts";
import type { KeptServer } from "../../model/kept-server.ts";
import { BALANCER_ARGUMENT } from "./balancer-argument.ts";
import {
  ALIVE_INTERVAL_MS,
  type BalancerConfig,
  type BalancerQuery,
  decodeFromBalancer,
  type FromBalancer,
  type ToBalancer,
} from "./balancer-protocol.ts";

/**
 * A balancer that was silent for so long hangs; it is ended and started again. On a machine that is overloaded it may
 * only be slow to begin, and would never get to work: each that dies young of this gives the next one twice as long.
 */
const SILENCE_FIRST_MS = 5 * ALIVE_INTERVAL_MS;
const SILENCE_LAST_MS = 20 * ALIVE_INTERVAL_MS;
/** What was heard from it before so long a silence says nothing about now. */
const AWAY_MS = 3 * ALIVE_INTERVAL_MS;
/** The pause before the next start, doubling from the first to the last while it dies young. */
const RESTART_PAUSE_FIRST_MS = 200;
const RESTART_PAUSE_LAST_MS = 10_000;
/** A balancer that lived this long did not die young. */
const LIVED_LONG_MS = 30_000;
/** More than one such death is no accident. */
const RESTLESS_DEATHS = 2;
/** A drain or query that the balancer did not answer by then is told as failed. */
const ANSWER_LIMIT_MS = 5_000;
/** A trial of 37,000 servers takes several seconds (11,000 changes took the lab's kernel 1.0 s). */
const TRIAL_LIMIT_MS = 20_000;
/** Questions that may wait at once. */
const QUESTIONS_MAX = 64;

export interface BalancerEvents {
  /** Whatever it tells but answers. */
  onMessage(message: Exclude<FromBalancer, { kind: "done" | "refused" | "answer" }>): void;
  /** It has ended, or says nothing; it is back when `onMessage` is called again. */
  onAway(how: "ended" | "silent"): void;
  onLog(level: "info" | "warn" | "error", message: string): void;
}

export type BalancerReply =
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly reason: string }
  | Extract<FromBalancer, { kind: "answer" }>;

type Order = Extract<ToBalancer, { kind: "drain" | "undrain" | "weight" | "keep" }>;
type WithoutId<O> = O extends Order ? Omit<O, "id"> : never;
export type OrderWithoutId = WithoutId<Order>;

interface Question {
  readonly answer: (reply: BalancerReply) => void;
  readonly timer: Timer;
}

/**
 * Starts the balancer as a child of this process, starts it again when it dies or hangs, and carries messages. While
 * it is away the kernel's table goes on forwarding.
 */
export class BalancerSupervisor {
  readonly #command: readonly string[];
  readonly #events: BalancerEvents;
  readonly #now: () => number;
  readonly #questions = new Map<number, Question>();
  #process: Subprocess | undefined;
  #config: BalancerConfig;
  #drains: readonly Drain[] | undefined;
  #kept: readonly KeptServer[] | undefined;
  #role: "active" | "standby" = "standby";
  #lastId = 0;
  /** The last question for the table: answers to those before it tell of a table that was wanted then. */
  #tableId = 0;
  #startedAtMs = 0;
  #heardAtMs = 0;
  #pauseMs = RESTART_PAUSE_FIRST_MS;
  #silenceMs = SILENCE_FIRST_MS;
  #restartTimer: Timer | undefined;
  #stopping = false;
  /** Why it will end, by its own last words. */
  #broken: string | undefined;
  /** How often in a row it has ended soon after its start, and how the last time. */
  #deaths = 0;
  #lastDeath = "";

  /** @param program is this binary with the arguments that select its main module, without the balancer's own. */
  constructor(
    program: readonly string[],
    stateDir: string,
    config: BalancerConfig,
    events: BalancerEvents,
    now: () => number,
  ) {
    this.#command = [...program, BALANCER_ARGUMENT, stateDir];
    this.#config = config;
    this.#events = events;
    this.#now = now;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** It ends again and again, soon after its start: what happened, a clause. Undefined: it does not. */
  get restlessness(): string | undefined {
    const hasSettled = this.#process !== undefined && this.#now() - this.#startedAtMs > LIVED_LONG_MS;
    if (this.#deaths < RESTLESS_DEATHS || hasSettled) return undefined;
    return `${this.#deaths} times in a row, soon after its start (the last time: ${this.#lastDeath})`;
  }

  /** Starts it, or tries again later when the system cannot start a process now. */
  start(): void {
    clearTimeout(this.#restartTimer);
    this.#startedAtMs = this.#now();
    this.#heardAtMs = this.#startedAtMs;
    try {
      this.#launch();
    } catch (error) {
      this.#startLater(`cannot be started (${systemMessage(error)})`);
    }
  }

  #launch(): void {
    const child: Subprocess = Bun.spawn([...this.#command], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
      // Further threads that collect garbage cost more in waking each other than they save in a heap this small.
      env: { ...process.env, BUN_JSC_numberOfGCMarkers: "1" },
      serialization: "json",
      ipc: (message: unknown) => this.#receive(child, message),
      onExit: (_child, exitCode, signal): void => this.#ended(child, exitCode, signal),
    });
    this.#process = child;
    this.#broken = undefined;
    // The role comes first: it decides what is checked.
    this.#send({ kind: "role", role: this.#role });
    this.#sendConfiguration();
    // Whoever waits for the table may have asked one that died before it answered.
    this.needTable();
  }

  configure(config: BalancerConfig): void {
    this.#config = config;
    this.#sendConfiguration();
  }

  /**
   * Has the kernel try what is new of a configuration, beside the one in force; `configure` follows, with one or the other.
   * A balancer that is started meanwhile begins with the one in force.
   */
  try(config: BalancerConfig, answer: (reply: BalancerReply) => void): void {
    this.#ask((id) => ({ kind: "try", id, config }), answer, TRIAL_LIMIT_MS);
  }

  /** The orders that hold, in place of those that the balancer has. */
  setOrders(drains: readonly Drain[], kept: readonly KeptServer[]): void {
    this.#drains = drains;
    this.#kept = kept;
    // Without the configuration: of thousands of servers it would hold up the checks for a moment.
    this.#send({ kind: "orders", drains, kept });
  }

  /** The orders that the balancer has by now, for one that is started later. */
  keepDrains(drains: readonly Drain[]): void {
    if (this.#drains !== undefined) this.#drains = drains;
  }

  /** The same of servers that were changed at run time. */
  keepServers(kept: readonly KeptServer[]): void {
    if (this.#kept !== undefined) this.#kept = kept;
  }

  #sendConfiguration(): void {
    const drains = this.#drains;
    const kept = this.#kept;
    this.#send({
      kind: "configure",
      config: this.#config,
      ...(drains === undefined ? {} : { drains }),
      ...(kept === undefined ? {} : { kept }),
    });
  }

  setRole(role: "active" | "standby"): void {
    this.#role = role;
    this.#send({ kind: "role", role });
  }

  /** Asks for the table to be reconciled now; `table-complete` follows. */
  needTable(): void {
    this.#lastId += 1;
    this.#tableId = this.#lastId;
    this.#send({ kind: "table-needed", id: this.#tableId });
  }

  order(order: OrderWithoutId, answer: (reply: BalancerReply) => void): void {
    this.#ask((id) => ({ ...order, id }) as Order, answer);
  }

  query(what: BalancerQuery, answer: (reply: BalancerReply) => void): void {
    this.#ask((id) => ({ kind: "query", id, what }), answer);
  }

  /** To be called every second or so: ends a balancer that hangs. */
  watch(): void {
    const child = this.#process;
    if (child === undefined) return;
    const silentMs = this.#now() - this.#heardAtMs;
    if (silentMs >= AWAY_MS) this.#events.onAway("silent");
    if (silentMs < this.#silenceMs) return;
    const silence = `was silent for ${this.#silenceMs / 1_000} s`;
    this.#events.onLog("error", `the balancer (pid ${child.pid}) ${silence} and is ended`);
    this.#silenceMs = Math.min(this.#silenceMs * 2, SILENCE_LAST_MS);
    this.#heardAtMs = this.#now();
    child.kill("SIGKILL");
  }

  /** Lets it save and end, and tells when it has ended. The kernel's table stays. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    this.#send({ kind: "stop" });
    for (const question of this.#questions.values()) clearTimeout(question.timer);
    this.#questions.clear();
    await child?.exited;
  }

  #ask(message: (id: number) => ToBalancer, answer: (reply: BalancerReply) => void, limitMs = ANSWER_LIMIT_MS): void {
    if (this.#process === undefined || this.#questions.size >= QUESTIONS_MAX) {
      answer({ kind: "refused", reason: "the balancer is starting; try again in a moment" });
      return;
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const timer = setTimeout(() => {
      this.#questions.delete(id);
      answer({ kind: "refused", reason: "the balancer did not answer in time" });
    }, limitMs);
    this.#questions.set(id, { answer, timer });
    this.#send(message(id));
  }

  #send(message: ToBalancer): void {
    try {
      this.#process?.send(message);
    } catch {
      // The channel closes a moment before the exit is told; the next child is configured from scratch.
    }
  }

  #receive(child: Subprocess, raw: unknown): void {
    if (child !== this.#process) return;
    this.#heardAtMs = this.#now();
    let message: FromBalancer;
    try {
      message = decodeFromBalancer(raw);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#events.onLog("error", `a message of the balancer is not understood: ${error.message}`);
      return;
    }
    if (message.kind === "table-complete" && message.id !== this.#tableId) return;
    if (message.kind === "broken") this.#broken = message.reason;
    if (message.kind !== "done" && message.kind !== "refused" && message.kind !== "answer") {
      this.#events.onMessage(message);
      return;
    }
    const question = this.#questions.get(message.id);
    if (question === undefined) return;
    this.#questions.delete(message.id);
    clearTimeout(question.timer);
    question.answer(message);
  }

  #ended(child: Subprocess, exitCode: number | null, signal: number | string | null): void {
    if (child !== this.#process) return;
    this.#process = undefined;
    if (this.#stopping) return;
    this.#events.onAway("ended");
    this.#startLater(exitCode === null ? `ended by signal ${signal}` : `ended with status ${exitCode}`);
  }

  #startLater(how: string): void {
    const livedLong = this.#now() - this.#startedAtMs > LIVED_LONG_MS;
    this.#pauseMs = livedLong ? RESTART_PAUSE_FIRST_MS : Math.min(this.#pauseMs * 2, RESTART_PAUSE_LAST_MS);
    if (livedLong) this.#silenceMs = SILENCE_FIRST_MS;
    this.#deaths = livedLong ? 1 : this.#deaths + 1;
    this.#lastDeath = this.#broken ?? how;
    this.#events.onLog(
      "error",
      `the balancer ${how}; the kernel's table goes on, it is started again in ${this.#pauseMs} ms`,
    );
    this.#restartTimer = setTimeout(() => this.start(), this.#pauseMs);
  }
}
