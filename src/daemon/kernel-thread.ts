import type { Vip } from "../model/vip.ts";
import type { KernelAnswer, KernelRequest } from "./kernel-thread-protocol.ts";

/** Requests that may wait while the kernel holds its lock: a renewal each second for minutes. */
export const KERNEL_REQUESTS_MAX = 1000;

type Callback = (answer: KernelAnswer) => void;
type KernelWork =
  | Omit<Extract<KernelRequest, { kind: "take" | "renew" }>, "id">
  | {
      readonly kind: "drop";
      readonly vips: readonly Vip[];
    };

/** The main thread's end of the address thread: requests are answered in order, whenever the kernel has done them. */
export class KernelThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Callback>();
  #lastId = 0;

  /** @param onFailure is told when the thread itself dies; nothing can be done to addresses after that. */
  constructor(onFailure: (reason: string) => void) {
    this.#worker = new Worker(new URL("./kernel-worker.ts", import.meta.url).href);
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

  /** Asks for a change; `done` is called with an outcome for each VIP. */
  request(work: KernelWork, done: Callback): void {
    this.#lastId += 1;
    if (this.#waiting.size >= KERNEL_REQUESTS_MAX) {
      const outcomes = work.vips.map(() => ({ kind: "failed" as const, reason: "the kernel does not answer" }));
      done({ id: this.#lastId, outcomes, elapsedMs: 0 });
      return;
    }
    this.#waiting.set(this.#lastId, done);
    this.#worker.postMessage({ id: this.#lastId, ...work });
  }

  close(): void {
    this.#worker.terminate();
  }
}
