/** The main thread's end of the kernel thread: requests, their order, and its death. */
import { workerModule } from "../host/own-program.ts";
import type { ChangedSetting } from "../settings/promotion.ts";
import type { KernelAnswer, KernelOutcome, KernelWork } from "./kernel-thread-protocol.ts";

/** Requests that may wait while the kernel holds its lock: a renewal each second for minutes. */
export const KERNEL_REQUESTS_MAX = 1000;

/** What may be needed in a moment goes first. */
const READING_ORDER = ["prepare", "survey", "routes"] as const;

type Callback = (answer: KernelAnswer) => void;

/** How many outcomes a failure of all of it has. */
function outcomeCount(work: KernelWork): number {
  switch (work.kind) {
    case "survey":
    case "routes":
      return 1;
    case "sync":
      return work.daemons.length;
    default:
      return work.vips.length;
  }
}

function refusal(work: KernelWork, reason: string): KernelAnswer {
  return {
    id: 0,
    outcomes: new Array<KernelOutcome>(outcomeCount(work)).fill({ kind: "failed", reason }),
    elapsedMs: 0,
  };
}

/** Work that changes nothing: it may wait, and one reading serves all who have asked before it began. */
type Reading = Extract<KernelWork, { kind: "prepare" | "survey" | "routes" }>;

function isReading(work: KernelWork): work is Reading {
  return work.kind === "prepare" || work.kind === "survey" || work.kind === "routes";
}

/**
 * The main thread's end of the kernel thread: changes are made and answered in order, whenever the kernel has done them.
 * Readings wait until no change does: the kernel thread has at most one of them, and a lease or a removal waits for that
 * one only.
 */
export class KernelThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { readonly work: KernelWork; readonly done: Callback }>();
  /** The last one asked for of each kind, and who waits for it. */
  readonly #readings = new Map<Reading["kind"], { readonly work: Reading; readonly done: Callback[] }>();
  #lastId = 0;
  #death: string | undefined;

  /**
   * @param onFailure is told when the thread itself dies; no address can be changed after that.
   * @param onSettings is told of kernel settings that the thread has changed, before their request's answer is.
   */
  constructor(
    onFailure: (reason: string) => void,
    onSettings: (changed: readonly ChangedSetting[]) => void = () => {},
  ) {
    this.#worker = new Worker(workerModule("daemon/kernel-thread/kernel-worker"));
    this.#worker.onmessage = (event: MessageEvent<KernelAnswer>) => {
      const waiting = this.#waiting.get(event.data.id);
      this.#waiting.delete(event.data.id);
      if (event.data.settings !== undefined) onSettings(event.data.settings);
      waiting?.done(event.data);
      this.#readNext();
    };
    this.#worker.onerror = (event) => {
      this.#death = `the kernel thread died: ${event.message}`;
      const refused = [...this.#waiting.values()];
      for (const { work, done } of this.#readings.values()) refused.push(...done.map((one) => ({ work, done: one })));
      this.#waiting.clear();
      this.#readings.clear();
      for (const { work, done } of refused) done(refusal(work, this.#death));
      onFailure(this.#death);
    };
  }

  /** How many requests the kernel has not done yet. */
  get waitingCount(): number {
    return this.#waiting.size + this.#readings.size;
  }

  /** Asks for a change or a reading; `done` is called with an outcome for each VIP or daemon. */
  request(work: KernelWork, done: Callback): void {
    if (this.#death !== undefined || this.#waiting.size >= KERNEL_REQUESTS_MAX) {
      done(refusal(work, this.#death ?? "the kernel does not answer"));
    } else if (isReading(work)) {
      this.#want(work, done);
    } else this.#post(work, done);
  }

  close(): void {
    this.#worker.terminate();
  }

  #want(work: Reading, done: Callback): void {
    const all = this.#readings.get(work.kind)?.done ?? [];
    if (all.length >= KERNEL_REQUESTS_MAX) {
      done(refusal(work, "the kernel does not answer"));
      return;
    }
    all.push(done);
    this.#readings.set(work.kind, { work, done: all });
    this.#readNext();
  }

  #readNext(): void {
    if (this.#waiting.size > 0) return;
    const next = READING_ORDER.map((kind) => this.#readings.get(kind)).find((reading) => reading !== undefined);
    if (next === undefined) return;
    this.#readings.delete(next.work.kind);
    this.#post(next.work, (answer) => {
      for (const done of next.done) done(answer);
    });
  }

  #post(work: KernelWork, done: Callback): void {
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, { work, done });
    this.#worker.postMessage({ ...work, id: this.#lastId });
  }
}
