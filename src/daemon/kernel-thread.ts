import type { KernelAnswer, KernelOutcome, KernelWork } from "./kernel-thread-protocol.ts";
import { workerModule } from "./program.ts";
import type { ChangedSetting } from "./promotion.ts";

/** Requests that may wait while the kernel holds its lock: a renewal each second for minutes. */
export const KERNEL_REQUESTS_MAX = 1000;

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

/** The main thread's end of the kernel thread: requests are answered in order, whenever the kernel has done them. */
export class KernelThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { readonly work: KernelWork; readonly done: Callback }>();
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
    this.#worker = new Worker(workerModule("daemon/kernel-worker"));
    this.#worker.onmessage = (event: MessageEvent<KernelAnswer>) => {
      const waiting = this.#waiting.get(event.data.id);
      this.#waiting.delete(event.data.id);
      if (event.data.settings !== undefined) onSettings(event.data.settings);
      waiting?.done(event.data);
    };
    this.#worker.onerror = (event) => {
      this.#death = `the kernel thread died: ${event.message}`;
      for (const { work, done } of this.#waiting.values()) done(refusal(work, this.#death));
      this.#waiting.clear();
      onFailure(this.#death);
    };
  }

  /** How many requests the kernel has not done yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Asks for a change; `done` is called with an outcome for each VIP or daemon. */
  request(work: KernelWork, done: Callback): void {
    this.#lastId += 1;
    if (this.#death !== undefined || this.#waiting.size >= KERNEL_REQUESTS_MAX) {
      done(refusal(work, this.#death ?? "the kernel does not answer"));
      return;
    }
    this.#waiting.set(this.#lastId, { work, done });
    this.#worker.postMessage({ ...work, id: this.#lastId });
  }

  close(): void {
    this.#worker.terminate();
  }
}
