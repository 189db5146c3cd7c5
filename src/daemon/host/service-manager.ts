import { sendUnixDatagram } from "../../sys/sockets/unix-datagram.ts";

/**
 * Tells the service manager how the daemon is (systemd's sd_notify protocol): ready, reloading, stopping, alive.
 * Without NOTIFY_SOCKET in the environment nobody wants to know.
 */
export class ServiceManager {
  readonly #path: string | undefined;
  readonly #onProblem: (problem: string) => void;
  #problem: string | undefined;
  /** How often the watchdog wants to hear of us, at half of its limit; undefined: there is none. */
  readonly watchdogEveryMs: number | undefined;

  /** @param onProblem is told why the service manager cannot be told, once for each reason. */
  constructor(
    environment: Readonly<Record<string, string | undefined>>,
    onProblem: (problem: string) => void = () => {},
  ) {
    this.#onProblem = onProblem;
    this.#path = environment["NOTIFY_SOCKET"];
    const limitUs = Number(environment["WATCHDOG_USEC"] ?? "");
    this.watchdogEveryMs = limitUs > 0 ? limitUs / 2000 : undefined;
  }

  /** Never throws: a service manager that cannot be told is no reason to give the VIPs up. */
  notify(state: "READY=1" | "RELOADING=1" | "STOPPING=1" | "WATCHDOG=1", status?: string): void {
    if (this.#path === undefined) return;
    // STATUS is one line of free text (sd_notify(3)).
    const text = status === undefined ? state : `${state}\nSTATUS=${status.replaceAll("\n", " ")}`;
    const problem = this.#send(this.#path, text);
    if (problem !== undefined && problem !== this.#problem) {
      this.#onProblem(`the service manager cannot be told ${state}: ${problem}`);
    }
    this.#problem = problem;
  }

  #send(path: string, text: string): string | undefined {
    try {
      const outcome = sendUnixDatagram(path, text);
      return outcome.kind === "failed" ? outcome.errnoName : undefined;
    } catch (error) {
      // No descriptor is left for a socket.
      return error instanceof Error ? error.message : String(error);
    }
  }
}
