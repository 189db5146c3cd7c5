/** Looks at the firewall now and then, and keeps what would be in the way. */
import type { Config } from "../../config/keys/config.ts";
import type { Logger } from "../../log/logger.ts";
import { type FlowConfig, flowConfigOf } from "./filter-flows.ts";

/** Firewalls change when somebody changes them, or starts a container engine. */
const LOOK_EVERY_MS = 60_000;
/** A router that begins has other things to do. */
const FIRST_LOOK_AFTER_MS = 5_000;

export interface FilterWatchOptions {
  readonly logger: Logger;
  readonly now: () => number;
  /** Warnings, or undefined when there was no looking. Never throws. */
  readonly look: (config: FlowConfig) => Promise<readonly string[] | undefined>;
}

/** Looks at the host's packet filter from time to time, and after a reload. */
export class FilterWatch {
  readonly #options: FilterWatchOptions;
  #warnings: readonly string[] = [];
  #looking = false;
  #lookAtMs: number;

  constructor(options: FilterWatchOptions) {
    this.#options = options;
    this.#lookAtMs = options.now() + FIRST_LOOK_AFTER_MS;
  }

  /** What the packet filter drops, in sentences. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** The next look is due: the configuration was read again. */
  lookSoon(): void {
    this.#lookAtMs = this.#options.now();
  }

  /** To be called every second or so, with the configuration in force. */
  watch(config: Config): void {
    const nowMs = this.#options.now();
    if (this.#looking || nowMs < this.#lookAtMs) return;
    this.#looking = true;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    void this.#options.look(flowConfigOf(config)).then((warnings) => {
      this.#looking = false;
      if (warnings !== undefined) this.#take(warnings);
    });
  }

  #take(warnings: readonly string[]): void {
    const { logger } = this.#options;
    const before = this.#warnings;
    this.#warnings = warnings;
    for (const warning of warnings) if (!before.includes(warning)) logger.warn("firewall", warning);
    if (before.length > 0 && warnings.length === 0) {
      logger.info("firewall", "the firewall drops nothing any more that this router needs");
    }
  }
}
