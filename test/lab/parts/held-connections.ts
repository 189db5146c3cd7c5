/** Connections that stay open through a takeover, each of them speaking ten times a second. */
import type { Socket } from "bun";
import type { Topology } from "../topology.ts";

interface Held {
  socket: Socket<undefined> | undefined;
  server: string | undefined;
  state: "opening" | "open" | "broken";
  reason: string | undefined;
  sentAtMs: number;
  heardAtMs: number;
  longestSilenceMs: number;
  /** How often it was answered. */
  answers: number;
}

export interface HeldReport {
  readonly opened: number;
  /** Closed, reset, or never opened. */
  readonly broken: number;
  /** Open, but what was said last is not answered yet after `STALLED_MS`. */
  readonly stalled: number;
  readonly longestSilenceMs: number;
  readonly perServer: Readonly<Record<string, number>>;
  readonly reasons: readonly string[];
}

const SPEAK_EVERY_MS = 100;
const STALLED_MS = 1000;

export class HeldConnections implements Disposable {
  readonly #all: Held[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor() {
    this.#timer = setInterval(() => this.#speak(), SPEAK_EVERY_MS);
  }

  /** Opens `count` connections one after the other and waits until each has been greeted by its server. */
  static async open(
    topology: Topology,
    target: { readonly address: string; readonly port: number },
    count: number,
  ): Promise<HeldConnections> {
    const connections = new HeldConnections();
    await connections.openMore(topology, target, count);
    return connections;
  }

  /** Opens more of them. */
  async openMore(
    topology: Topology,
    target: { readonly address: string; readonly port: number },
    count: number,
  ): Promise<void> {
    for (let index = 0; index < count; index++) await this.#open(topology, target);
  }

  /** Whether each that is not broken has been answered so often: it is no longer young then. */
  haveAnswers(count: number): boolean {
    return this.#all.every((one) => one.state === "broken" || one.answers >= count);
  }

  /** Closes those that a server has, in the orderly way, and forgets them. */
  closeOf(server: string): void {
    for (let index = this.#all.length - 1; index >= 0; index--) {
      const one = this.#all[index];
      if (one?.server !== server) continue;
      this.#all.splice(index, 1);
      one.socket?.end();
    }
  }

  report(): HeldReport {
    const nowMs = performance.now();
    const perServer: Record<string, number> = {};
    for (const { server } of this.#all) if (server !== undefined) perServer[server] = (perServer[server] ?? 0) + 1;
    const stalled = (one: Held) => one.state === "open" && nowMs - one.heardAtMs > STALLED_MS;
    return {
      opened: this.#all.length,
      broken: this.#all.filter((one) => one.state !== "open").length,
      stalled: this.#all.filter(stalled).length,
      longestSilenceMs: Math.max(0, ...this.#all.map((one) => Math.max(one.longestSilenceMs, nowMs - one.heardAtMs))),
      perServer,
      reasons: [...new Set(this.#all.flatMap((one) => one.reason ?? []))],
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const { socket } of this.#all) socket?.terminate();
  }

  #speak(): void {
    for (const one of this.#all) if (one.state === "open") one.socket?.write("x\n");
  }

  #open(topology: Topology, target: { readonly address: string; readonly port: number }): Promise<void> {
    const one: Held = {
      socket: undefined,
      server: undefined,
      state: "opening",
      reason: undefined,
      sentAtMs: 0,
      heardAtMs: performance.now(),
      longestSilenceMs: 0,
      answers: 0,
    };
    this.#all.push(one);
    return new Promise((done) => {
      const breakIt = (reason: string) => {
        one.state = "broken";
        one.reason ??= reason;
        done();
      };
      const connected = topology.on("client", () =>
        Bun.connect({
          hostname: target.address,
          port: target.port,
          socket: {
            open(socket) {
              one.socket = socket;
              socket.write("HOLD\n");
            },
            data(_socket, bytes) {
              hear(one, bytes);
              done();
            },
            close: () => breakIt("closed"),
            error: (_socket, error) => breakIt(error.message),
            connectError: (_socket, error) => breakIt(error.message),
          },
        }),
      );
      connected.catch((error: Error) => breakIt(error.message));
    });
  }
}

function hear(one: Held, bytes: Uint8Array): void {
  const nowMs = performance.now();
  if (one.state === "opening") {
    one.state = "open";
    one.server = new TextDecoder().decode(bytes).trim();
  } else one.longestSilenceMs = Math.max(one.longestSilenceMs, nowMs - one.heardAtMs);
  one.heardAtMs = nowMs;
  one.answers += 1;
}
