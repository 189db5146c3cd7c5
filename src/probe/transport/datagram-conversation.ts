import type { ProbeOutcome } from "../../model/health-check.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { errnoName } from "../../sys/libc/errno.ts";
import type { ConnectStart } from "../../sys/sockets/tcp-socket.ts";
import type { Dialogue, Judgement, Step } from "./dialogue.ts";
import { connectionFailure, failure, localFailure, success } from "./outcome.ts";
import { formatElapsed } from "./probe-text.ts";
import type { Trace } from "./trace.ts";

interface DatagramSocket {
  write(bytes: Uint8Array): number;
  terminate(): void;
}

/** One exchange of datagrams of one probe: a dialogue that gets each as a piece. */
class Exchange {
  readonly #dialogue: Dialogue;
  readonly #timeoutMs: number;
  readonly #startedMs = monotonicMs();
  readonly #trace: Trace | undefined;
  readonly #finish: (outcome: ProbeOutcome) => void;
  #socket: DatagramSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(
    dialogue: Dialogue,
    timeoutMs: number,
    trace: Trace | undefined,
    finish: (outcome: ProbeOutcome) => void,
  ) {
    this.#dialogue = dialogue;
    this.#timeoutMs = timeoutMs;
    this.#trace = trace;
    this.#finish = finish;
  }

  start(begun: ConnectStart): void {
    if (begun.kind === "failed") {
      this.#failed(errnoName(begun.errno));
      return;
    }
    this.#timer = setTimeout(() => this.#judge(this.#dialogue.expired()), this.#timeoutMs);
    Bun.connect({
      // Not in the type declarations of Bun, but in its documentation of sockets made from descriptors.
      ...{ fd: begun.fd as number },
      // Required by the type declarations only.
      unix: "",
      socket: {
        open: (socket) => this.#opened(socket),
        data: (_socket, bytes) => this.#received(bytes),
        close: (_socket, error) => this.#closed(error),
        error: (_socket, error) => this.#closed(error),
      },
    }).catch((error: unknown) => this.#closed(error));
  }

  #opened(socket: DatagramSocket): void {
    this.#socket = socket;
    if (this.#isOver) {
      socket.terminate();
      return;
    }
    this.#send(this.#dialogue.opening);
    this.#take(this.#dialogue.connected());
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#trace?.("sent", bytes);
    this.#socket?.write(bytes);
  }

  #received(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#trace?.("received", bytes);
    this.#take(this.#dialogue.receive(bytes));
  }

  #take(step: Step): void {
    if (step.kind === "send") this.#send(step.bytes);
    else if (step.kind !== "continue") this.#judge(step);
  }

  #closed(error: unknown): void {
    if (this.#isOver) return;
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    if (code === undefined) this.#judge(this.#dialogue.closed());
    else this.#failed(code);
  }

  #failed(code: string): void {
    const known = connectionFailure(code);
    const detail = code === "ECONNREFUSED" ? "refused by an ICMP message: nobody listens (ECONNREFUSED)" : known.detail;
    this.#judge({ kind: "failure", failure: known.failure, detail });
  }

  #judge(judgement: Judgement): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    const elapsedMs = monotonicMs() - this.#startedMs;
    if (judgement.kind === "success" && judgement.farewell !== undefined) this.#send(judgement.farewell);
    this.#socket?.terminate();
    const reason = `${judgement.detail} after ${formatElapsed(elapsedMs)}`;
    this.#finish(
      judgement.kind === "success" ? success(elapsedMs, reason) : failure(elapsedMs, judgement.failure, reason),
    );
  }
}

/**
 * Holds `dialogue` over a connected datagram socket, which it closes. Never rejects.
 * @param open begins the connection; throws SyscallError when this machine can't
 */
export function exchangeDatagrams(
  open: () => ConnectStart,
  timeoutMs: number,
  dialogue: Dialogue,
  trace?: Trace,
): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const exchange = new Exchange(dialogue, timeoutMs, trace, resolve);
    try {
      exchange.start(open());
    } catch (error) {
      resolve(localFailure(error));
    }
  });
}
