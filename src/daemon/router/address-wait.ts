/** Waits until this machine has an address of the configuration. */
import { AddressClient } from "../../kernel/addresses/address-client.ts";
import type { Logger } from "../../log/logger.ts";
import type { IpAddress } from "../../model/address.ts";
import type { RouterId } from "../../model/pair.ts";
import type { ControlHandler } from "../control/control-server.ts";
import { ControlUpkeep } from "../control/control-upkeep.ts";
import { findOwnRouter } from "../host/own-router.ts";
import { ServiceManager } from "../host/service-manager.ts";
import type { ConfigurationFile, UsableConfig } from "../reload/configuration.ts";

/** A network that comes up has its addresses some seconds later; one look takes a tenth of a millisecond. */
const LOOK_EVERY_MS = 500;

function localAddresses(): readonly IpAddress[] {
  using addresses = AddressClient.open();
  return addresses.list().map((own) => own.prefix.address);
}

const HOW_TO_MEND = "see [pair.primary] and [pair.backup], or say --router";

/** A daemon that finds out which router it is: it waits for its addresses, and says so to whoever asks. */
export class AddressWait {
  #usable: UsableConfig;
  readonly #file: ConfigurationFile;
  readonly #logger: Logger;
  readonly #serviceManager: ServiceManager;
  readonly #given = Promise.withResolvers<false>();
  readonly #runtimeDir: string;
  #control: Promise<ControlUpkeep> | undefined;

  constructor(file: ConfigurationFile, runtimeDir: string, usable: UsableConfig, logger: Logger) {
    this.#file = file;
    this.#runtimeDir = runtimeDir;
    this.#usable = usable;
    this.#logger = logger;
    this.#serviceManager = new ServiceManager(process.env, (problem) => logger.warn("router", problem));
  }

  get usable(): UsableConfig {
    return this.#usable;
  }

  /**
   * @returns undefined when it was told to stop.
   * @throws TandemError when waiting would not help
   */
  async find(router: RouterId | undefined): Promise<RouterId | undefined> {
    try {
      return await this.#find(router);
    } finally {
      // The daemon opens its own.
      const control = await this.#control?.catch(() => undefined);
      control?.close();
    }
  }

  async #find(router: RouterId | undefined): Promise<RouterId | undefined> {
    const everyMs = Math.min(LOOK_EVERY_MS, this.#serviceManager.watchdogEveryMs ?? LOOK_EVERY_MS);
    return await findOwnRouter({
      config: () => this.#usable.config,
      ...(router === undefined ? {} : { router }),
      addresses: localAddresses,
      onWait: (problem) => this.#tell(`waits for one of its addresses: ${problem}`),
      pause: async () => {
        this.#serviceManager.notify("WATCHDOG=1");
        await this.#control;
        return await Promise.race([Bun.sleep(everyMs).then(() => true), this.#given.promise]);
      },
    });
  }

  /** In the log, to the service manager, and to every command. */
  #tell(text: string): void {
    this.#logger.warn("router", text, { mend: HOW_TO_MEND });
    // What is started after it must not be kept from making them.
    this.#serviceManager.notify("READY=1", text);
    const refuse: ControlHandler = (_request, reply) =>
      reply({ kind: "refused", reason: `the daemon ${text}`, hint: HOW_TO_MEND, exitCode: 3 });
    this.#control = ControlUpkeep.start(this.#runtimeDir, refuse, this.#logger);
    // It is awaited a moment later.
    this.#control.catch(() => undefined);
  }

  /** Reads the file again, which may have the wrong addresses. */
  reload(): void {
    try {
      this.#usable = this.#file.read();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.error("config", `${reason}; the configuration in force stays`);
    }
  }

  stop(): void {
    this.#serviceManager.notify("STOPPING=1");
    this.#given.resolve(false);
  }
}
