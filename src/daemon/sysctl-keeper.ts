import { sysctlCommand, writeSysctl } from "../kernel/sysctl.ts";
import type { Logger } from "../log/logger.ts";
import type { WantedSysctl } from "./forwarding.ts";

/** Sets kernel settings that the router needs, and gives back at the end what was there before. */
export class SysctlKeeper {
  readonly #logger: Logger;
  /** The value before our first change of each setting. */
  readonly #previous = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  apply(wanted: readonly WantedSysctl[]): void {
    for (const { path, value, why } of wanted) {
      const outcome = writeSysctl(path, value);
      if (outcome.kind === "changed") {
        if (!this.#previous.has(path)) this.#previous.set(path, outcome.previous);
        this.#logger.info("sysctl", `${path} was ${outcome.previous}, is ${value}: ${why}`);
      } else if (outcome.kind === "refused") {
        this.#logger.warn("sysctl", `${path} cannot be set (${outcome.reason}): ${why}`, {
          mend: sysctlCommand(path, value),
        });
      }
    }
  }

  restore(): void {
    for (const [path, value] of this.#previous) writeSysctl(path, value);
    this.#previous.clear();
  }
}
