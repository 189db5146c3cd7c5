import { SyscallError } from "../../lib/errors.ts";
import type { ProbeOutcome } from "../../model/health-check.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { errnoName } from "../../sys/libc/errno.ts";
import { closeFd, type Fd } from "../../sys/libc/fd.ts";
import { isBroken, isEnding, type Polled, PollSet, READABLE, WRITABLE } from "../../sys/process/poll-set.ts";
import type { Route } from "../../sys/sockets/route-options.ts";
import { readStream, writeStream } from "../../sys/sockets/stream-socket.ts";
import {
  connectionErrno,
  connectTcp,
  connectTimeMs,
  Knocker,
  resetTcpConnection,
} from "../../sys/sockets/tcp-socket.ts";
import type { Dialogue, Judgement, Step } from "./dialogue.ts";
import { connectionFailure, failure, success } from "./outcome.ts";
import { formatElapsed } from "./probe-text.ts";
import type { Trace } from "./trace.ts";

/**
 * The TCP connections of thousands of probes a second. An event of its own for each of them, with its callbacks, costs
 * several times what the connection itself does; so all are looked at together, a moment after they began and then
 * every few milliseconds while some are open.
 */

export interface PlainJob {
  /** As `internetSocketAddress` makes it. */
  readonly to: Uint8Array;
  readonly route?: Route;
  /** For all of it together: connecting and talking. */
  readonly timeoutMs: number;
  readonly trace?: Trace;
  /** Absent: the connection is enough. */
  readonly dialogue?: Dialogue;
  /** Called once, and never from within `begin`. */
  readonly done: (outcome: ProbeOutcome) => void;
}

/** Connections that begin now and then are looked at this often, which is how exactly their times are known … */
const LOOK_FEW_MS = 1;
/** … those of hundreds a second, which begin this soon after others, … */
const LOOK_MANY_MS = 5;
const MANY_APART_MS = 25;
/** … and those that nothing happens to. */
const LOOK_QUIET_MS = 8;
/** Reads of one connection in one look, so that a server that sends without end has no more than its share. */
const READS_MAX = 4;

type Phase = "connecting" | "talking" | "over";

class Connection implements Polled {
  readonly fd: Fd;
  readonly job: PlainJob;
  readonly startedMs: number;
  place = -1;
  phase: Phase = "connecting";
  prefix = "";
  unsent: Uint8Array | undefined;

  constructor(fd: Fd, job: PlainJob, startedMs: number) {
    this.fd = fd;
    this.job = job;
    this.startedMs = startedMs;
  }
}

export class PlainConnections {
  readonly #open = new PollSet<Connection>();
  readonly #knocker = new Knocker();
  /** What ended before it began, to be told at the next look. */
  #early: (() => void)[] = [];
  #looksSoon = false;
  #timer: Timer | undefined;
  #pauseMs = LOOK_FEW_MS;
  #closed = false;
  #isBusy = false;
  #begunMs = Number.NEGATIVE_INFINITY;
  /** Of this turn: on some kernels reading the clock costs as much as sending. */
  #nowMs = 0;

  get size(): number {
    return this.#open.size;
  }

  begin(job: PlainJob): void {
    if (!this.#looksSoon) this.#beginTurn();
    const startedMs = this.#nowMs;
    try {
      const begun = job.dialogue === undefined ? this.#knocker.begin(job.to, job.route) : connectTcp(job.to, job.route);
      if (begun.kind === "connecting") this.#open.add(new Connection(begun.fd, job, startedMs), WRITABLE);
      else {
        const { failure: kind, detail } = connectionFailure(errnoName(begun.errno));
        this.#early.push(() => job.done(failure(0, kind, detail)));
      }
    } catch (error) {
      const detail = error instanceof SyscallError ? error.message : `cannot try: ${String(error)}`;
      this.#early.push(() => job.done(failure(0, "local", detail)));
    }
    this.#lookSoon();
  }

  #beginTurn(): void {
    this.#nowMs = monotonicMs();
    this.#isBusy = this.#nowMs - this.#begunMs < MANY_APART_MS;
    this.#begunMs = this.#nowMs;
  }

  /** Gives all of them up, without outcomes. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { fd } of this.#open.entries()) resetTcpConnection(fd);
    this.#knocker.close();
  }

  /** At the end of this turn: on a fast network what began together has been answered by then. */
  #lookSoon(): void {
    this.#pauseMs = LOOK_FEW_MS;
    if (this.#looksSoon) return;
    this.#looksSoon = true;
    queueMicrotask(() => {
      this.#looksSoon = false;
      this.#look();
    });
  }

  #look(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#nowMs = monotonicMs();
    const early = this.#early;
    this.#early = [];
    for (const tell of early) tell();
    const ready = this.#open.ready();
    for (const { entry, events } of ready) this.#take(entry, events);
    this.#expire();
    this.#pauseMs = ready.length > 0 ? LOOK_FEW_MS : Math.min(2 * this.#pauseMs, LOOK_QUIET_MS);
    if (this.#open.size === 0 || this.#closed) return;
    const pauseMs = this.#isBusy ? Math.max(LOOK_MANY_MS, this.#pauseMs) : this.#pauseMs;
    this.#timer = setTimeout(() => this.#look(), pauseMs);
  }

  /** What is late is judged after what has arrived: a stall of our own is no fault of a server's. */
  #expire(): void {
    const nowMs = this.#nowMs;
    const late = this.#open.entries().filter(({ startedMs, job }) => nowMs - startedMs >= job.timeoutMs);
    for (const connection of late) {
      const { dialogue, timeoutMs } = connection.job;
      if (connection.phase === "talking" && dialogue !== undefined) this.#judge(connection, dialogue.expired());
      else {
        const detail = `no answer within ${formatElapsed(timeoutMs)}`;
        this.#judge(connection, { kind: "failure", failure: "timeout", detail });
      }
    }
  }

  #take(connection: Connection, events: number): void {
    if (connection.phase === "connecting") this.#connected(connection, events);
    else {
      if ((events & WRITABLE) !== 0) this.#flush(connection);
      if ((events & READABLE) !== 0 || isBroken(events)) this.#read(connection, isEnding(events));
    }
  }

  #connected(connection: Connection, events: number): void {
    const errno = isBroken(events) ? connectionErrno(connection.fd) : 0;
    if (errno !== 0) {
      this.#fail(connection, errno);
      return;
    }
    const { dialogue, trace } = connection.job;
    const tookMs = connectTimeMs(connection.fd) ?? this.#nowMs - connection.startedMs;
    const connected = `connected after ${formatElapsed(tookMs)}`;
    trace?.("note", connected);
    connection.prefix = `${connected}; `;
    if (dialogue === undefined) {
      this.#succeed(connection, tookMs);
      return;
    }
    connection.phase = "talking";
    this.#open.watch(connection, READABLE);
    this.#send(connection, dialogue.opening);
    this.#proceed(connection, dialogue.connected());
  }

  #read(connection: Connection, isEnding: boolean): void {
    const { dialogue, trace } = connection.job;
    for (let turn = 0; turn < READS_MAX && connection.phase === "talking" && dialogue !== undefined; turn += 1) {
      const outcome = readStream(connection.fd);
      if (outcome.kind === "empty") return;
      if (outcome.kind === "failed") this.#fail(connection, outcome.errno);
      else if (outcome.kind === "end") this.#judge(connection, dialogue.closed());
      else {
        trace?.("received", outcome.bytes);
        this.#proceed(connection, dialogue.receive(outcome.bytes));
        if (!(outcome.isFull || isEnding)) return;
      }
    }
  }

  #proceed(connection: Connection, step: Step): void {
    if (step.kind === "send") this.#send(connection, step.bytes);
    else if (step.kind !== "continue") this.#judge(connection, step);
  }

  #send(connection: Connection, bytes: Uint8Array): void {
    if (bytes.length === 0 || connection.phase !== "talking") return;
    connection.job.trace?.("sent", bytes);
    connection.unsent = connection.unsent === undefined ? bytes : Buffer.concat([connection.unsent, bytes]);
    this.#flush(connection);
  }

  #flush(connection: Connection): void {
    if (connection.unsent === undefined) return;
    const written = writeStream(connection.fd, connection.unsent);
    if (written < 0) {
      this.#fail(connection, -written);
      return;
    }
    const isAll = written === connection.unsent.length;
    connection.unsent = isAll ? undefined : connection.unsent.subarray(written);
    this.#open.watch(connection, isAll ? READABLE : READABLE | WRITABLE);
  }

  #fail(connection: Connection, errno: number): void {
    this.#judge(connection, { kind: "failure", ...connectionFailure(errnoName(errno)) });
  }

  /** The connection alone was wanted, and is there. */
  #succeed(connection: Connection, tookMs: number): void {
    const { fd, job, prefix } = connection;
    connection.phase = "over";
    this.#open.remove(connection);
    this.#knocker.end(fd, job.to, job.route);
    job.done(success(tookMs, `${prefix}as wanted`));
  }

  #judge(connection: Connection, judgement: Judgement): void {
    if (connection.phase === "over") return;
    const { fd, job, prefix, startedMs } = connection;
    connection.phase = "over";
    this.#open.remove(connection);
    const elapsedMs = this.#nowMs - startedMs;
    const reason = `${prefix}${judgement.detail}`;
    if (judgement.kind === "success") {
      // Whether it arrives is of no interest any more.
      if (judgement.farewell !== undefined && judgement.farewell.length > 0) {
        job.trace?.("sent", judgement.farewell);
        writeStream(fd, judgement.farewell);
      }
      closeFd(fd);
      job.done(success(elapsedMs, reason));
    } else {
      // Reset instead of a farewell: what the server still sends is not waited for.
      resetTcpConnection(fd);
      job.done(failure(elapsedMs, judgement.failure, reason));
    }
  }
}

let shared: PlainConnections | undefined;

/** The ones of this process. */
export function plainConnections(): PlainConnections {
  shared ??= new PlainConnections();
  return shared;
}
