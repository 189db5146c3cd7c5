/** Which of the two routers this machine is, by its addresses. */
import type { Config } from "../../config/keys/config.ts";
import { hasOwnAddress, whoAmI } from "../../config/who-am-i.ts";
import { UsageError } from "../../lib/errors.ts";
import type { IpAddress } from "../../model/address.ts";
import type { RouterId } from "../../model/pair.ts";

export interface OwnRouterSearch {
  /** The configuration as it is now: it may be mended while its addresses are waited for. */
  readonly config: () => Pick<Config, "pair">;
  /** What `--router` says; absent: by the addresses that this machine has. */
  readonly router?: RouterId;
  /** The addresses that this machine has now. */
  readonly addresses: () => readonly IpAddress[];
  /** Called once, when there is something to wait for. */
  readonly onWait: (problem: string) => void;
  /** Resolves when it is time to look again; false: nobody waits any more. */
  readonly pause: () => Promise<boolean>;
}

/**
 * Finds out which router this machine is. Where it has no address of either, the network is not up yet, and it is
 * waited for: a daemon that ended would stay away, for its service manager takes a mistake of usage for final.
 * @returns undefined when it was given up
 * @throws UsageError when the machine has addresses of both, which no waiting mends.
 */
export async function findOwnRouter(search: OwnRouterSearch): Promise<RouterId | undefined> {
  let isTold = false;
  for (;;) {
    const config = search.config();
    const local = search.addresses();
    const found = whoAmI(config, local, search.router);
    if (found.ok) return found.value;
    if (hasOwnAddress(config, local)) {
      throw new UsageError({
        operation: "find out which router this is",
        reason: found.problem,
        hint: "say it with --router primary or --router backup, or correct [pair.primary] and [pair.backup]",
      });
    }
    if (!isTold) search.onWait(found.problem);
    isTold = true;
    if (!(await search.pause())) return undefined;
  }
}
