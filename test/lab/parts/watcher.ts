/**
 * Probe, sampler and echo in a process of their own: what the test itself does, starting programs above all, would
 * else pause them in the very moment they are for.
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { Subprocess } from "bun";
import type { RouterHost, Topology } from "../topology.ts";
import type { GapReport, GapTarget } from "./gap-probe.ts";
import type { OwnerReport } from "./owner-sampler.ts";

export interface WatchOrder {
  /** The network namespace of each host. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** The machines that can have the VIPs. */
  readonly routers: readonly RouterHost[];
  /** Where datagrams come from and go to; of several the worst figures are reported. */
  readonly targets: readonly GapTarget[];
  /** Whether the routers themselves echo; else a service behind them does. */
  readonly echo: boolean;
  readonly probeEveryMs: number;
  readonly vips: readonly string[];
  readonly lookEveryMs: number;
}

export interface WatchReport {
  readonly gap: GapReport;
  readonly owners: OwnerReport;
}

/** What the two processes say to each other. */
export type WatchRequest = "begin" | "count" | "look-away" | "look-again" | "end";
export type WatchAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "begun" }
  | { readonly kind: "count"; readonly answered: readonly number[] }
  | { readonly kind: "done" }
  | { readonly kind: "report"; readonly report: WatchReport };

const PROGRAM = resolve(import.meta.dir, "watcher-process.ts");
const ASK_AGAIN_MS = 20;
/**
 * Ahead of the daemons, which are real-time processes themselves: the end of one takes the kernel 40 ms. Not with one
 * processor, where threads of the engine that wait for each other would keep it for ever.
 */
export const AHEAD = availableParallelism() > 1 ? ["chrt", "--fifo", "60"] : ["nice", "-n", "-10"];

export class Watcher implements AsyncDisposable {
  readonly #process: Subprocess<"ignore", "inherit", "inherit">;
  readonly #waiting: ((answer: WatchAnswer) => void)[] = [];

  private constructor(order: WatchOrder) {
    const words = [...AHEAD, process.execPath, PROGRAM, JSON.stringify(order)];
    this.#process = Bun.spawn(words, {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (answer: WatchAnswer) => this.#waiting.shift()?.(answer),
    });
  }

  /** Starts the process and, with `echo`, the echo on the routers; nothing is measured yet. */
  static async start(topology: Topology, order: Omit<WatchOrder, "namespaces" | "routers">): Promise<Watcher> {
    const namespaces = Object.fromEntries(topology.hosts.map((host) => [host, topology.namespace(host)]));
    const watcher = new Watcher({ ...order, namespaces, routers: topology.routerHosts });
    await watcher.#next();
    return watcher;
  }

  /** Begins a measurement. */
  async begin(): Promise<void> {
    await this.#ask("begin");
  }

  /** Until each target answers (again). Returns whether they did, within the time. */
  async answered(limitMs: number): Promise<boolean> {
    const endMs = performance.now() + limitMs;
    const first = await this.#count();
    while (performance.now() < endMs) {
      const now = await this.#count();
      if (now.every((count, target) => count > (first[target] ?? 0))) return true;
      await Bun.sleep(ASK_AGAIN_MS);
    }
    return false;
  }

  /** From now on, until `lookAgain`, neither gaps nor second owners count. */
  async lookAway(): Promise<void> {
    await this.#ask("look-away");
  }

  async lookAgain(): Promise<void> {
    await this.#ask("look-again");
  }

  /** Ends the measurement. */
  async end(): Promise<WatchReport> {
    const answer = await this.#ask("end");
    if (answer.kind !== "report") throw new Error(`the watcher answered ${answer.kind}`);
    return answer.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #count(): Promise<readonly number[]> {
    const answer = await this.#ask("count");
    return answer.kind === "count" ? answer.answered : [];
  }

  #ask(request: WatchRequest): Promise<WatchAnswer> {
    this.#process.send(request);
    return this.#next();
  }

  #next(): Promise<WatchAnswer> {
    const answered = new Promise<WatchAnswer>((done) => this.#waiting.push(done));
    const ended = this.#process.exited.then((code): never => {
      throw new Error(`the watcher ended with ${code}`);
    });
    return Promise.race([answered, ended]);
  }
}
