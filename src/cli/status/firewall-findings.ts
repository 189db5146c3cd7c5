import type { Config } from "../../config/keys/config.ts";
import { flowConfigOf } from "../../daemon/firewall/filter-flows.ts";
import { lookAtFilter } from "../../daemon/firewall/filter-look.ts";
import type { Finding } from "../../kernel/machine/preflight.ts";
import { TandemError } from "../../lib/errors.ts";

/** What of this host's packet filter would eat what the router needs; nothing where this user may not look. */
export function firewallFindings(config: Config): readonly Finding[] {
  try {
    return lookAtFilter(flowConfigOf(config));
  } catch (error) {
    // Whoever may not read it has been told to be root.
    if (error instanceof TandemError && error.exitCode === 4) return [];
    throw error;
  }
}
