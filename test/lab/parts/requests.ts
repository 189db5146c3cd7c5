/** Plain HTTP requests from the client's namespace. */
import type { Topology } from "../topology.ts";

export interface RequestTarget {
  readonly address: string;
  readonly port: number;
}

export type RequestOutcome =
  | { readonly kind: "answered"; readonly server: string; readonly milliseconds: number }
  | { readonly kind: "failed"; readonly reason: string };

const REQUEST = "GET / HTTP/1.0\r\n\r\n";
/** TCP asks again after 1, 3 and 7 s (RFC 6298): for who is answered, not for how soon. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** What takes longer is lost to a client that goes on asking. */
const STREAM_TIMEOUT_MS = 3_000;

/** Sends one request. Returns the name of the server that answered, or why there was no answer. */
export function request(
  topology: Topology,
  target: RequestTarget,
  options: { readonly from?: string; readonly timeoutMs?: number } = {},
): Promise<RequestOutcome> {
  const began = performance.now();
  return new Promise((done) => {
    let text = "";
    let connection: { terminate(): void } | undefined;
    const fail = (reason: string) => {
      clearTimeout(timer);
      done({ kind: "failed", reason });
    };
    const timer = setTimeout(() => {
      connection?.terminate();
      fail("timeout");
    }, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const settings = {
      hostname: target.address,
      port: target.port,
      // Known to the runtime, not yet to its types: the address to connect from.
      ...(options.from === undefined ? {} : { localAddress: options.from }),
      socket: {
        open(socket: { write(text: string): number; terminate(): void }) {
          connection = socket;
          socket.write(REQUEST);
        },
        data(_socket: unknown, bytes: Uint8Array) {
          text += new TextDecoder().decode(bytes);
        },
        close() {
          const answer = /^HTTP\/1\.\d 200 [\s\S]*\r\n\r\n(\S+)\n$/.exec(text)?.[1];
          if (answer === undefined) return fail(text === "" ? "reset" : (text.split("\r\n")[0] ?? ""));
          clearTimeout(timer);
          done({ kind: "answered", server: answer, milliseconds: performance.now() - began });
        },
        error(_socket: unknown, error: Error) {
          fail(error.message);
        },
        connectError(_socket: unknown, error: Error) {
          fail(error.message);
        },
      },
    };
    topology.on("client", () => Bun.connect(settings)).catch((error: Error) => fail(error.message));
  });
}

export interface Spread {
  /** Answered requests by server; every server asked for is there, with 0 when it got none. */
  readonly perServer: Readonly<Record<string, number>>;
  readonly failed: number;
}

/** Sends `count` requests, `parallel` at a time, from each of the client's addresses in turn. */
export async function spreadRequests(
  topology: Topology,
  target: RequestTarget,
  options: { readonly count: number; readonly parallel?: number; readonly from?: readonly string[] },
): Promise<Spread> {
  const perServer: Record<string, number> = Object.fromEntries(topology.serverNames.map((name) => [name, 0]));
  let failed = 0;
  let next = 0;
  const work = async () => {
    while (next < options.count) {
      const from = options.from?.[next % options.from.length];
      next += 1;
      const outcome = await request(topology, target, from === undefined ? {} : { from });
      if (outcome.kind === "failed") failed += 1;
      else perServer[outcome.server] = (perServer[outcome.server] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: options.parallel ?? 1 }, work));
  return { perServer, failed };
}

/** Requests at a steady rate until it is stopped; counts those without an answer. */
export class RequestStream {
  sent = 0;
  answered = 0;
  readonly failures: string[] = [];
  readonly #topology: Topology;
  readonly #target: RequestTarget;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #pending = new Set<Promise<void>>();

  constructor(topology: Topology, target: RequestTarget, everyMs: number) {
    this.#topology = topology;
    this.#target = target;
    this.#timer = setInterval(() => this.#send(), everyMs);
  }

  /** Waits for what is on its way. Returns the figures. */
  async stop(): Promise<{ readonly sent: number; readonly answered: number; readonly lost: number }> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    return { sent: this.sent, answered: this.answered, lost: this.sent - this.answered };
  }

  /** More on their way at once would only measure the client. */
  static readonly pendingLimit = 200;

  #send(): void {
    if (this.#pending.size >= RequestStream.pendingLimit) return;
    this.sent += 1;
    const pending = request(this.#topology, this.#target, { timeoutMs: STREAM_TIMEOUT_MS }).then((outcome) => {
      if (outcome.kind === "answered") this.answered += 1;
      else this.failures.push(outcome.reason);
      this.#pending.delete(pending);
    });
    this.#pending.add(pending);
  }
}
