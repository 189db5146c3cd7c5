/**
 * A proxy on a router, in a process of its own that can die or hang: it listens for health checks on the loopback, and
 * serves the clients of a VIP, whose datagrams it sends back. Nobody else answers for that VIP.
 */
import { resolve } from "node:path";
import type { Subprocess } from "bun";
import type { RouterHost, Topology } from "../topology.ts";

export const PROXY_PORT = 8080;
const PROGRAM = resolve(import.meta.dir, "local-proxy-process.ts");

export class LocalProxy implements AsyncDisposable {
  readonly #process: Subprocess<"ignore", "pipe", "inherit">;

  private constructor(process: Subprocess<"ignore", "pipe", "inherit">) {
    this.#process = process;
  }

  /** Starts it for that VIP and UDP port, and waits until it listens. */
  static async start(topology: Topology, router: RouterHost, vip: string, port: number): Promise<LocalProxy> {
    const words = [process.execPath, PROGRAM, vip, String(port)];
    const proxy = topology.on(router, () => Bun.spawn(words, { stdio: ["ignore", "pipe", "inherit"] }));
    await proxy.stdout.getReader().read();
    return new LocalProxy(proxy);
  }

  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}
