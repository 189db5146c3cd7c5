import { workerModule } from "../host/own-program.ts";
import type { SyncService } from "./sync-services.ts";
import type { SyncAnswer, SyncWork } from "./sync-thread-protocol.ts";

/** The main thread's end of the sync thread. Its death is told and costs the full sync, not the router. */
export class SyncThread {
  readonly #worker: Worker;
  readonly #seed: number;
  #waiting: { readonly id: number; readonly done: (answer: SyncAnswer) => void } | undefined;
  #lastId = 0;

  constructor(seed: number, onFailure: (reason: string) => void) {
    this.#seed = seed;
    this.#worker = new Worker(workerModule("daemon/sync/sync-worker"));
    this.#worker.onmessage = (event: MessageEvent<SyncAnswer>) => {
      const waiting = this.#waiting;
      if (waiting?.id !== event.data.id) return;
      this.#waiting = undefined;
      waiting.done(event.data);
    };
    this.#worker.onerror = (event) => onFailure(`the sync thread died: ${event.message}`);
  }

  /** Whether it works on something; then it takes nothing else. */
  get isBusy(): boolean {
    return this.#waiting !== undefined;
  }

  request(work: SyncWork, services: readonly SyncService[], done: (answer: SyncAnswer) => void): void {
    this.#lastId += 1;
    this.#waiting = { id: this.#lastId, done };
    this.#worker.postMessage({ ...work, id: this.#lastId, services, seed: this.#seed });
  }

  close(): void {
    this.#worker.terminate();
  }
}
