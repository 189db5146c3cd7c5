/** Connections that say nothing until they are asked, as those of a database client that waits for work. */
import type { Socket } from "bun";
import type { Topology } from "../topology.ts";

interface Quiet {
  readonly socket: Socket<undefined>;
  readonly server: string;
  isOpen: boolean;
  hear: () => void;
}

/** A packet that is lost is sent again after 0.2 to 3 s (RFC 6298). */
const ANSWER_LIMIT_MS = 5_000;

export class QuietConnections implements Disposable {
  readonly #all: Quiet[] = [];

  /** Opens `count` connections one after the other, each greeted by its server. */
  static async open(
    topology: Topology,
    target: { readonly address: string; readonly port: number },
    count: number,
  ): Promise<QuietConnections> {
    const connections = new QuietConnections();
    for (let index = 0; index < count; index += 1) await connections.#open(topology, target);
    return connections;
  }

  /** The servers they have, in the order of the connections. */
  get servers(): readonly string[] {
    return this.#all.map(({ server }) => server);
  }

  /** Says something on each. @returns how many were answered. */
  async ask(): Promise<number> {
    const answers = this.#all.map(async (one) => {
      if (!one.isOpen) return false;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      one.hear = () => resolve(true);
      one.socket.write("x\n");
      return await Promise.race([promise, Bun.sleep(ANSWER_LIMIT_MS).then(() => false)]);
    });
    return (await Promise.all(answers)).filter(Boolean).length;
  }

  [Symbol.dispose](): void {
    for (const { socket } of this.#all) socket.terminate();
  }

  async #open(topology: Topology, target: { readonly address: string; readonly port: number }): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let one: Quiet | undefined;
    const end = (reason: string) => {
      if (one === undefined) reject(new Error(`a connection was not opened: ${reason}`));
      else one.isOpen = false;
    };
    await topology.on("client", () =>
      Bun.connect({
        hostname: target.address,
        port: target.port,
        socket: {
          open: (socket) => void socket.write("HOLD\n"),
          data: (socket, bytes) => {
            if (one !== undefined) {
              one.hear();
              return;
            }
            one = { socket, server: new TextDecoder().decode(bytes).trim(), isOpen: true, hear: () => {} };
            this.#all.push(one);
            resolve();
          },
          close: () => end("closed"),
          error: (_socket, error) => end(error.message),
        },
      }),
    );
    await promise;
  }
}
