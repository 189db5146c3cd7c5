import type { KernelAnswer, KernelOutcome, KernelWork } from "./kernel-thread-protocol.ts";
import { workerModule } from "./program.ts";

/** Requests that may wait while the kernel holds its lock: a renewal each second for minutes. */
export const KERNEL_REQUESTS_MAX = 1000;

type Callback = (answer: KernelAnswer) => void;

/** The main thread's end of the kernel thread: requests are answered in order, whenever the kernel has done them. */
export class KernelThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Callback>();
  #lastId = 0;

  /** @param onFailure is told when the thread itself dies; no address can be changed after that. */
  constructor(onFailure: (reason: string) => void) {
    this.#worker = new Worker(workerModule("daemon/kernel-worker"));
    this.#worker.onmessage = (event: MessageEvent<KernelAnswer>) => {
      const callback = this.#waiting.get(event.data.id);
      this.#waiting.delete(event.data.id);
      callback?.(event.data);
    };
    this.#worker.onerror = (event) => onFailure(event.message);
  }

  /** How many requests the kernel has not done yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Asks for a change; `done` is called with an outcome for each VIP or daemon. */
  request(work: KernelWork, done: Callback): void {
    this.#lastId += 1;
    if (this.#waiting.size >= KERNEL_REQUESTS_MAX) {
      const count = work.kind === "sync" ? work.daemons.length : work.vips.length;
      const outcome: KernelOutcome = { kind: "failed", reason: "the kernel does not answer" };
      done({ id: this.#lastId, outcomes: new Array<KernelOutcome>(count).fill(outcome), elapsedMs: 0 });
      return;
    }
    this.#waiting.set(this.#lastId, done);
    this.#worker.postMessage({ ...work, id: this.#lastId });
  }

  close(): void {
    this.#worker.terminate();
  }
}
