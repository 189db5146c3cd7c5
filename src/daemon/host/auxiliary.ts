import type { Logger } from "../../log/logger.ts";

/**
 * Does what the router can do without: an error in it is logged and costs what was done, not the VIPs. (An error of
 * anything else leaves the router in a state that nobody knows, and has it withdraw: RouterDaemon.fail.)
 */
export function auxiliary(logger: Logger, what: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    logger.error("router", `${what} failed, and the router goes on: ${why}`);
  }
}
