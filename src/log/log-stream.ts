/**
 * Lines on their way to a stream that may be slow, stuck, full or gone. Whoever logs neither waits nor fails: the bytes
 * are written by another thread, one write at a time; a line for which there is no room, or that cannot be written, is
 * counted and lost. The count is written as a line of its own as soon as that can be done.
 */
import { write } from "node:fs";
import { systemReason } from "../lib/system-reason.ts";

/** What may wait for a stuck reader; lines beyond it are lost. */
export const LOG_WAITING_BYTES_MAX = 1024 * 1024;
/** pipe(7): what a pipe holds. A write of more would only wait. */
const WRITE_BYTES_MAX = 64 * 1024;
/** While lines are being lost, and nothing new is logged, it is tried this often whether that is over. */
const RETRY_MS = 5_000;
/** A stream that somebody made non-blocking has no room now. */
const AGAIN_MS = 100;
const STDERR = 2;

/** write(2): says how many bytes were taken, or why none were. */
export type WriteSome = (bytes: Uint8Array, done: (error: Error | null, writtenBytes: number) => void) => void;

/** How logging goes. */
export interface LogHealth {
  /** Since the process began. */
  readonly lostLines: number;
  /** Why lines are being lost now; absent: they are not. */
  readonly failure?: string;
  /** When the last one was lost, monotonic. */
  readonly lostAtMs?: number;
}

export interface LogStreamOptions {
  readonly write: WriteSome;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** The line that says how many were lost. */
  readonly lossLine: (lostLines: number, reason: string) => string;
  /** Shorter in tests. */
  readonly retryMs?: number;
}

interface Entry {
  readonly bytes: Uint8Array;
  /** How many lost lines this one tells of; undefined: it is an ordinary line. */
  readonly tellsOf?: number;
}

/** Entries that are being written. */
interface Batch {
  readonly entries: readonly Entry[];
  readonly bytes: Uint8Array;
  writtenBytes: number;
}

const encoder = new TextEncoder();
const LINE_END = encoder.encode("\n");

export class LogStream {
  readonly #options: LogStreamOptions;
  readonly #waiting: Entry[] = [];
  #waitingBytes = 0;
  #batch: Batch | undefined;
  /** A line was written in part: the next one begins after a line's end. */
  #torn = false;
  #lostLines = 0;
  /** Of these, what no line has told of. */
  #untoldLines = 0;
  #lostAtMs: number | undefined;
  #lossReason = "";
  #failure: string | undefined;
  #retryTimer: Timer | undefined;
  #settled: (() => void)[] = [];

  constructor(options: LogStreamOptions) {
    this.#options = options;
  }

  get health(): LogHealth {
    return {
      lostLines: this.#lostLines,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      ...(this.#lostAtMs === undefined ? {} : { lostAtMs: this.#lostAtMs }),
    };
  }

  /** Takes a line without its end. Never throws, never waits. */
  write(line: string): void {
    const bytes = encoder.encode(`${line}\n`);
    if (this.#waitingBytes + bytes.length > LOG_WAITING_BYTES_MAX) {
      this.#failure ??= "nobody reads it";
      this.#lose(this.#failure);
      return;
    }
    this.#tellOfLoss();
    this.#push({ bytes });
    this.#writeNext();
  }

  /** Resolves when nothing waits any more, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    if (this.#batch === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settled.push(resolve);
    const limit = setTimeout(resolve, limitMs);
    await promise;
    clearTimeout(limit);
  }

  #push(entry: Entry): void {
    this.#waiting.push(entry);
    this.#waitingBytes += entry.bytes.length;
  }

  #lose(reason: string): void {
    this.#lostLines += 1;
    this.#untoldLines += 1;
    this.#lostAtMs = this.#options.now();
    this.#lossReason = reason;
  }

  #tellOfLoss(): void {
    const tellsOf = this.#untoldLines;
    if (tellsOf === 0) return;
    this.#untoldLines = 0;
    this.#push({ bytes: encoder.encode(`${this.#options.lossLine(tellsOf, this.#lossReason)}\n`), tellsOf });
  }

  #writeNext(): void {
    if (this.#batch !== undefined) return;
    const entries: Entry[] = [];
    let lengthBytes = 0;
    for (let entry = this.#waiting[0]; entry !== undefined; entry = this.#waiting[0]) {
      if (entries.length > 0 && lengthBytes + entry.bytes.length > WRITE_BYTES_MAX) break;
      this.#waiting.shift();
      entries.push(entry);
      lengthBytes += entry.bytes.length;
    }
    if (entries.length === 0) {
      for (const resolve of this.#settled.splice(0)) resolve();
      return;
    }
    const pieces = entries.map(({ bytes }) => bytes);
    this.#batch = { entries, bytes: Buffer.concat(this.#torn ? [LINE_END, ...pieces] : pieces), writtenBytes: 0 };
    this.#writeRest(this.#batch);
  }

  #writeRest(batch: Batch): void {
    this.#options.write(batch.bytes.subarray(batch.writtenBytes), (error, writtenBytes) => {
      const isBusy = error !== null && "code" in error && error.code === "EAGAIN";
      if (error !== null && !isBusy) {
        this.#failed(batch, systemReason(error));
        return;
      }
      batch.writtenBytes += error === null ? writtenBytes : 0;
      if (batch.writtenBytes === batch.bytes.length) this.#written(batch);
      else if (error === null && writtenBytes > 0) this.#writeRest(batch);
      else setTimeout(() => this.#writeRest(batch), AGAIN_MS);
    });
  }

  #written(batch: Batch): void {
    this.#finish(batch);
    this.#torn = false;
    this.#failure = undefined;
    // What was lost while this was stuck, with no line after it.
    if (this.#waiting.length === 0) this.#tellOfLoss();
    this.#writeNext();
  }

  #failed(batch: Batch, reason: string): void {
    this.#finish(batch);
    this.#failure = reason;
    let endBytes = batch.bytes.length - batch.entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
    for (const { bytes, tellsOf } of batch.entries) {
      endBytes += bytes.length;
      // What lacks its line's end alone gets one with the next line.
      if (endBytes - LINE_END.length <= batch.writtenBytes) continue;
      if (tellsOf === undefined) this.#lose(reason);
      else this.#untoldLines += tellsOf;
    }
    if (batch.writtenBytes > 0) this.#torn = batch.bytes[batch.writtenBytes - 1] !== LINE_END[0];
    this.#writeNext();
    this.#retryLater();
  }

  #finish(batch: Batch): void {
    this.#batch = undefined;
    for (const { bytes } of batch.entries) this.#waitingBytes -= bytes.length;
  }

  #retryLater(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#tellOfLoss();
      this.#writeNext();
    }, this.#options.retryMs ?? RETRY_MS);
    // A process that is at its end does not wait for it.
    this.#retryTimer.unref();
  }
}

/**
 * Standard error, by the threads that the engine has for files: also a disk that does not answer holds up none of ours.
 * (process.stderr gives itself up for ever at the first error, which nobody may have listened to ends the process.)
 */
export function writeToStderr(bytes: Uint8Array, done: (error: Error | null, writtenBytes: number) => void): void {
  write(STDERR, bytes, done);
}
