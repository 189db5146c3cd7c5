import type { Subprocess } from "bun";
import { AHEAD } from "../../lab/parts/watcher.ts";
import type { RouterName, Topology } from "../../lab/topology.ts";

/** A program that waits for its orders, since to start one takes some milliseconds; ahead of the daemons, as the probe. */
const READY_MS = 100;

/**
 * Takes a router whose daemon is stopped out of the world: its kernel has no address any more, answers nothing and sends
 * nothing. Its interfaces and its processes stay for the moment: to remove an interface takes the address lock of the one
 * kernel under all hosts for 20 to 80 ms, and the end of a process takes a processor up to 40 ms, for which the other
 * router, in reality a machine of its own, would wait too.
 */
export class PowerSwitch implements AsyncDisposable {
  readonly #process: Subprocess<"pipe", "ignore", "inherit">;

  private constructor(process: Subprocess<"pipe", "ignore", "inherit">) {
    this.#process = process;
  }

  static async install(topology: Topology, router: RouterName): Promise<PowerSwitch> {
    const process = topology.on(router, () =>
      Bun.spawn([...AHEAD, "ip", "-batch", "-"], { stdin: "pipe", stdout: "ignore", stderr: "inherit" }),
    );
    await Bun.sleep(READY_MS);
    return new PowerSwitch(process);
  }

  off(): void {
    this.#process.stdin.write("addr flush dev eth0\naddr flush dev eth1\n");
    this.#process.stdin.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stdin.end();
    await this.#process.exited;
  }
}
