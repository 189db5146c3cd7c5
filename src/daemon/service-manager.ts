import { sendUnixDatagram } from "../sys/unix-datagram.ts";

/**
 * Tells the service manager how the daemon is (systemd's sd_notify protocol): ready, reloading, stopping, alive.
 * Without NOTIFY_SOCKET in the environment nobody wants to know.
 */
export class ServiceManager {
  readonly #path: string | undefined;
  /** How often the watchdog wants to hear of us, at half of its limit; undefined: there is none. */
  readonly watchdogEveryMs: number | undefined;

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#path = environment["NOTIFY_SOCKET"];
    const limitUs = Number(environment["WATCHDOG_USEC"] ?? "");
    this.watchdogEveryMs = limitUs > 0 ? limitUs / 2000 : undefined;
  }

  notify(state: "READY=1" | "STOPPING=1" | "WATCHDOG=1", status?: string): void {
    if (this.#path === undefined) return;
    // STATUS is one line of free text (sd_notify(3)).
    const text = status === undefined ? state : `${state}\nSTATUS=${status.replaceAll("\n", " ")}`;
    sendUnixDatagram(this.#path, text);
  }
}
