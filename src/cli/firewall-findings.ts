import type { Config } from "../config/config.ts";
import { filterFlows } from "../daemon/filter-flows.ts";
import { AddressClient } from "../kernel/address-client.ts";
import { ownFilterFindings } from "../kernel/filter-preflight.ts";
import { LinkClient } from "../kernel/link-client.ts";
import type { Finding } from "../kernel/preflight.ts";
import { RouteClient } from "../kernel/route-client.ts";
import { readSysctl } from "../kernel/sysctl.ts";
import { TandemError } from "../lib/errors.ts";

/** Whether connection tracking sees what IPVS forwards: as configured, else as the kernel has it. */
function tracksIpvs({ ipvs }: Config): boolean {
  return ipvs.conntrack ?? readSysctl("net/ipv4/vs/conntrack") === "1";
}

/** What of this host's packet filter would eat what the router needs; nothing where this user may not look. */
export function firewallFindings(config: Config): readonly Finding[] {
  using links = LinkClient.open();
  using addresses = AddressClient.open();
  using routes = RouteClient.open();
  const flows = filterFlows(config, {
    links: links.list(),
    addresses: addresses.list(),
    interfaceTowards: (address) => routes.interfaceTowards(address),
    tracksIpvs: tracksIpvs(config),
  });
  try {
    return ownFilterFindings(flows);
  } catch (error) {
    // Whoever may not read it has been told to be root.
    if (error instanceof TandemError && error.exitCode === 4) return [];
    throw error;
  }
}
