/** Whom the client takes for the owner of the public VIP: its kernel's own table, looked at every few milliseconds. */
import { closeSync, openSync, readSync } from "node:fs";
import { PUBLIC_VIP, ROUTERS, type RouterName, type Topology } from "../lab/topology.ts";

const LOOK_EVERY_MS = 2;
const FILE_LIMIT_BYTES = 16 * 1024;

export interface Belief {
  readonly atMs: number;
  /** Neither router, or nobody known: undefined. */
  readonly router: RouterName | undefined;
}

export class NeighbourWatch implements Disposable {
  /** Each change, oldest first, on the clock of `performance.now()`. */
  readonly beliefs: Belief[] = [];
  readonly #macs: readonly { readonly router: RouterName; readonly mac: string }[];
  readonly #file: number;
  readonly #bytes = Buffer.alloc(FILE_LIMIT_BYTES);
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(topology: Topology) {
    this.#macs = ROUTERS.map(({ name }) => {
      const [link] = JSON.parse(topology.run(name, ["ip", "-j", "link", "show", "eth0"]));
      return { router: name, mac: String(link.address) };
    });
    // It shows for ever the namespace of the thread that opened it.
    this.#file = topology.on("client", () => openSync("/proc/thread-self/net/arp", "r"));
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#look();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    closeSync(this.#file);
  }

  #look(): void {
    const text = this.#bytes.toString("latin1", 0, readSync(this.#file, this.#bytes, 0, FILE_LIMIT_BYTES, 0));
    const line = text.split("\n").find((one) => one.startsWith(`${PUBLIC_VIP} `)) ?? "";
    const router = this.#macs.find(({ mac }) => line.includes(mac))?.router;
    const last = this.beliefs.at(-1);
    if (last === undefined || last.router !== router) this.beliefs.push({ atMs: performance.now(), router });
  }
}
