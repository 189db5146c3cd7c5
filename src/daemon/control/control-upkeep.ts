import type { Logger } from "../../log/logger.ts";
import { AnotherDaemonError, type ControlHandler, ControlServer } from "./control-server.ts";

/** A socket that cannot be opened, or whose file is gone, is opened anew this often: no longer than somebody tries again. */
const LOOK_EVERY_MS = 2_000;

/**
 * Keeps the control socket open. A router without one serves all the same (its runtime directory may be full, or be
 * swept away while it runs): that nobody can ask it is said in the log, and mended as soon as that can be done.
 */
export class ControlUpkeep {
  readonly #runtimeDir: string;
  readonly #handler: ControlHandler;
  readonly #logger: Logger;
  readonly #timer: Timer;
  #server: ControlServer | undefined;
  #problem: string | undefined;
  #isClosed = false;

  /** @throws AnotherDaemonError when another daemon answers there. */
  static async start(runtimeDir: string, handler: ControlHandler, logger: Logger): Promise<ControlUpkeep> {
    const upkeep = new ControlUpkeep(runtimeDir, handler, logger);
    try {
      await upkeep.look("throw");
      return upkeep;
    } catch (error) {
      upkeep.close();
      throw error;
    }
  }

  private constructor(runtimeDir: string, handler: ControlHandler, logger: Logger) {
    this.#runtimeDir = runtimeDir;
    this.#handler = handler;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.look("log"), LOOK_EVERY_MS);
  }

  /** Opens the socket where there is none. */
  async look(ifAnother: "throw" | "log"): Promise<void> {
    if (this.#server?.isThere === true) return;
    try {
      this.#closeServer();
      const server = await ControlServer.open(this.#runtimeDir, this.#handler);
      if (this.#isClosed) server.close();
      else this.#server = server;
      if (this.#problem !== undefined) this.#logger.info("control", `${server.path} is open again`);
      this.#problem = undefined;
    } catch (error) {
      if (ifAnother === "throw" && error instanceof AnotherDaemonError) throw error;
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.#problem) {
        this.#logger.error("control", `${problem}; until it can be opened no command reaches this daemon`);
      }
      this.#problem = problem;
    }
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#closeServer();
  }

  #closeServer(): void {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
  }
}
