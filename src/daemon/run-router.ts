import { AddressClient } from "../kernel/address-client.ts";
import { type Logger, stderrLog } from "../log/logger.ts";
import type { IpAddress } from "../model/address.ts";
import type { RouterId } from "../model/pair.ts";
import { monotonicMs } from "../sys/clock.ts";
import { ConfigurationFile, type UsableConfig } from "./configuration.ts";
import { findOwnRouter } from "./own-router.ts";
import { RouterDaemon } from "./router-daemon.ts";
import { ServiceManager } from "./service-manager.ts";

export interface RunOptions {
  readonly configPath: string;
  /** What `--router` says; absent: by the addresses that this machine has. */
  readonly router?: RouterId;
  readonly runtimeDir: string;
  readonly stateDir: string;
}

/** The end of the process waits no longer for a reader of its log. */
const LOG_END_LIMIT_MS = 500;

/** A network that comes up has its addresses some seconds later; one look takes a tenth of a millisecond. */
const LOOK_EVERY_MS = 500;

function localAddresses(): readonly IpAddress[] {
  using addresses = AddressClient.open();
  return addresses.list().map((own) => own.prefix.address);
}

/** A daemon that waits for its addresses: what the signals say meanwhile. */
class Waiting {
  #usable: UsableConfig;
  readonly #file: ConfigurationFile;
  readonly #logger: Logger;
  readonly #serviceManager: ServiceManager;
  readonly #given = Promise.withResolvers<false>();

  constructor(file: ConfigurationFile, usable: UsableConfig, logger: Logger) {
    this.#file = file;
    this.#usable = usable;
    this.#logger = logger;
    this.#serviceManager = new ServiceManager(process.env, (problem) => logger.warn("router", problem));
  }

  get usable(): UsableConfig {
    return this.#usable;
  }

  /** @returns undefined when it was told to stop. */
  async find(router: RouterId | undefined): Promise<RouterId | undefined> {
    const everyMs = Math.min(LOOK_EVERY_MS, this.#serviceManager.watchdogEveryMs ?? LOOK_EVERY_MS);
    return await findOwnRouter({
      config: () => this.#usable.config,
      ...(router === undefined ? {} : { router }),
      addresses: localAddresses,
      onWait: (problem) => {
        const text = `waits for one of its addresses: ${problem}`;
        this.#logger.warn("router", text, { mend: "see [pair.primary] and [pair.backup], or say --router" });
        // What is started after it must not be kept from making them.
        this.#serviceManager.notify("READY=1", text);
      },
      pause: async () => {
        this.#serviceManager.notify("WATCHDOG=1");
        return await Promise.race([Bun.sleep(everyMs).then(() => true), this.#given.promise]);
      },
    });
  }

  /** Reads the file again, which may have the wrong addresses. */
  reload(): void {
    try {
      this.#usable = this.#file.read();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.error("config", `${reason}; the old configuration stays`);
    }
  }

  stop(): void {
    this.#serviceManager.notify("STOPPING=1");
    this.#given.resolve(false);
  }
}

/**
 * The daemon of one router: runs until SIGTERM or SIGINT and until everything is handed over, released or left.
 * SIGHUP reloads the configuration, SIGUSR1 and SIGUSR2 write the state to the log. To be called once in a process, which ends with the code that this returns: 1 when
 * the router had to give up.
 * @throws TandemError when it cannot start; nothing is changed then.
 */
export async function runRouter(options: RunOptions): Promise<0 | 1> {
  const file = new ConfigurationFile(options.configPath);
  const first = file.read();
  const log = stderrLog(first.config.log.format, first.config.log.level, monotonicMs);
  const waiting = new Waiting(file, first, log.logger);
  // Before anything is touched: a signal that came while the daemon starts would end it in the middle.
  let daemon: RouterDaemon | undefined;
  let stopWanted = false;
  const stop = () => {
    stopWanted = true;
    if (daemon === undefined) waiting.stop();
    else daemon.stop();
  };
  const crash = (error: unknown) => {
    if (daemon === undefined) throw error;
    daemon.crash(error);
  };
  process
    .on("SIGTERM", stop)
    .on("SIGINT", stop)
    .on("SIGHUP", () => (daemon === undefined ? waiting.reload() : daemon.reload()))
    // Their default would end the process in the middle, with its VIPs left to their lease.
    .on("SIGUSR1", () => daemon?.logState())
    .on("SIGUSR2", () => daemon?.logState());
  process.on("uncaughtException", crash).on("unhandledRejection", crash);
  const router = await waiting.find(options.router);
  if (router !== undefined) {
    const { usable } = waiting;
    log.logger.configure(usable.config.log.format, usable.config.log.level);
    daemon = await RouterDaemon.start({ ...options, file, router, usable, logger: log.logger, logHealth: log.health });
    if (stopWanted) daemon.stop();
  }
  const exitCode = (await daemon?.ended) ?? 0;
  await log.settled(LOG_END_LIMIT_MS);
  return exitCode;
}
