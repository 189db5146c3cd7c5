/** All that services need of the kernel's IPVS: its presence, its settings, and that nobody else balances. */
import type { Config } from "../../config/keys/config.ts";
import type { Logger } from "../../log/logger.ts";
import type { ServicesClaim } from "../host/services-claim.ts";
import { type IpvsAccess, IpvsPresence } from "./ipvs-presence.ts";
import { IpvsSettingsKeeper } from "./ipvs-settings.ts";
import type { SysctlKeeper } from "./sysctl-keeper.ts";

export interface IpvsSupportOptions {
  readonly logger: Logger;
  readonly sysctls: SysctlKeeper;
  readonly now: () => number;
  /** Told once there are services, and at each change; `reason` is a clause that says why IPVS is not there. */
  readonly onChange: (available: boolean, reason: string | undefined) => void;
  /** Taken already where the router starts with services. */
  readonly claim: ServicesClaim;
  readonly kernel?: IpvsAccess;
}

function absenceText(reason: string): string {
  return `the kernel has no IPVS, so nothing is balanced here: ${reason}`;
}

/** What a router with services needs of IPVS: that it is there, that it is this router's alone, and its settings. */
export class IpvsSupport {
  readonly #options: IpvsSupportOptions;
  readonly #presence: IpvsPresence;
  readonly #settings: IpvsSettingsKeeper;
  #isLacking = false;

  constructor(options: IpvsSupportOptions) {
    this.#options = options;
    this.#settings = new IpvsSettingsKeeper(options.sysctls, options.logger);
    this.#presence = new IpvsPresence({
      now: options.now,
      onChange: (available, reason) => this.#changed(available, reason),
      ...(options.kernel === undefined ? {} : { kernel: options.kernel }),
    });
  }

  /**
   * Makes sure, before anything is changed, that the services of a configuration to be loaded would be the only ones here.
   * @throws TandemError where another tandem balances in this network namespace.
   */
  claim(config: Config): void {
    if (config.services.length > 0) this.#options.claim.take("reload");
  }

  /**
   * Puts a configuration in force, whose services were claimed.
   * @param mayWait whether the kernel may be waited for: before the first heartbeat
   */
  configure(config: Config, mayWait = false): void {
    this.#settings.configure(config);
    if (config.services.length === 0) {
      this.#presence.release();
      this.#options.claim.release();
      return;
    }
    this.#presence.need(mayWait);
    this.watch();
  }

  /** To be called every second or so. */
  watch(): void {
    this.#presence.watch();
    if (this.#presence.available) this.#settings.settle();
  }

  /** Why IPVS is not there although there are services, a clause; undefined: it is, or nobody needs it. */
  get missing(): string | undefined {
    return this.#presence.reason;
  }

  /** What is not as the configuration wants it, in sentences, the gravest first. */
  get warnings(): readonly string[] {
    const { reason } = this.#presence;
    const absence = reason === undefined ? [] : [absenceText(reason)];
    return [...absence, ...this.#settings.complaints];
  }

  close(): void {
    this.#presence.release();
    this.#options.claim.release();
  }

  #changed(available: boolean, reason: string | undefined): void {
    const { logger, onChange } = this.#options;
    // Before anybody fills the table.
    if (available) this.#settings.settle();
    if (reason !== undefined) logger.warn("ipvs", absenceText(reason));
    else if (this.#isLacking) logger.info("ipvs", "the kernel has IPVS now");
    this.#isLacking = !available;
    onChange(available, reason);
  }
}
