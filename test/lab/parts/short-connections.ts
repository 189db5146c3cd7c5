/** Connections that come at a steady rate and last for a moment, as those of a web site's visitors. */
import type { Topology } from "../topology.ts";

export interface ShortReport {
  readonly opened: number;
  /** Answered at their beginning and at their end. */
  readonly whole: number;
  /** Reset, or closed before their end. */
  readonly broken: number;
  /** Answered later than the limit, or never. */
  readonly stalled: number;
  /** How old the broken and stalled ones were when the VIPs moved away; to be given by who moves them. */
  readonly agesMs: readonly number[];
}

interface Short {
  readonly openedAtMs: number;
  endedAtMs: number | undefined;
  outcome: "running" | "whole" | "broken" | "stalled";
}

const LIFE_MS = 300;
/** The first packet that is lost is sent again after a second (RFC 6298): such a one counts as stalled. */
const STALL_LIMIT_MS = 900;

export class ShortConnections implements Disposable {
  readonly #all: Short[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #moves: number[] = [];

  constructor(topology: Topology, target: { readonly address: string; readonly port: number }, everyMs: number) {
    this.#timer = setInterval(() => this.#open(topology, target), everyMs);
  }

  /** The VIPs move now. */
  noteMove(): void {
    this.#moves.push(performance.now());
  }

  /** Opens no more, and waits for the end of those that are open. */
  async end(): Promise<ShortReport> {
    clearInterval(this.#timer);
    await Bun.sleep(LIFE_MS + 2 * STALL_LIMIT_MS);
    const count = (outcome: Short["outcome"]) => this.#all.filter((one) => one.outcome === outcome).length;
    const hurt = this.#all.filter((one) => one.outcome !== "whole");
    return {
      opened: this.#all.length,
      whole: count("whole"),
      broken: count("broken"),
      stalled: count("stalled") + count("running"),
      agesMs: hurt.map((one) => this.#ageAtMove(one)),
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Negative: opened after the last move that could have hurt it. */
  #ageAtMove({ openedAtMs }: Short): number {
    const move = this.#moves.findLast((atMs) => atMs <= openedAtMs + LIFE_MS + STALL_LIMIT_MS) ?? openedAtMs;
    return Math.round(move - openedAtMs);
  }

  #open(topology: Topology, target: { readonly address: string; readonly port: number }): void {
    const one: Short = { openedAtMs: performance.now(), endedAtMs: undefined, outcome: "running" };
    this.#all.push(one);
    const settle = (outcome: Short["outcome"]) => {
      if (one.outcome === "running") one.outcome = outcome;
    };
    let answers = 0;
    let saidAtMs = one.openedAtMs;
    const connected = topology.on("client", () =>
      Bun.connect({
        hostname: target.address,
        port: target.port,
        socket: {
          open(socket) {
            saidAtMs = performance.now();
            socket.write("HOLD\n");
            setTimeout(() => {
              saidAtMs = performance.now();
              socket.write("bye\n");
            }, LIFE_MS);
          },
          data(socket) {
            answers += 1;
            const isLate = performance.now() - saidAtMs > STALL_LIMIT_MS;
            if (isLate) settle("stalled");
            if (answers < 2) return;
            settle("whole");
            socket.end();
          },
          close: () => settle("broken"),
          error: () => settle("broken"),
          connectError: () => settle("broken"),
        },
      }),
    );
    connected.catch(() => settle("broken"));
  }
}
