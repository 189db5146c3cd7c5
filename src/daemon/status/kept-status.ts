import type { Config, ConfiguredService } from "../../config/keys/config.ts";
import type { Shared } from "../../failover/machine/state-parts.ts";
import { formatEndpoint } from "../../model/address.ts";
import { type KeptServer, keptText } from "../../model/kept-server.ts";
import type { SharedEntry } from "../../model/shared-entry.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import type { KeptStatus } from "./status-report.ts";

/** What is said of real servers that operators have changed at run time. */

/** The servers that are changed at run time, of all that operators have ordered. */
export function keptServers(entries: Iterable<SharedEntry>): KeptServer[] {
  return [...entries].flatMap((entry) => {
    if (entry.kind !== "kept" || entry.change.kind === "none") return [];
    const { service, server, change } = entry;
    return [{ service, server, change }];
  });
}

function isConfigured({ service, server }: KeptServer, { listen, servers }: ConfiguredService): boolean {
  const virtual = listen.find(({ key }) => formatServiceKey(key) === formatServiceKey(service));
  if (virtual === undefined) return false;
  const ownPort = virtual.key.kind === "address" ? virtual.key.port : 0;
  return servers.some(({ server: { endpoint } }) => {
    const port = endpoint.port === 0 ? ownPort : endpoint.port;
    return formatEndpoint({ address: endpoint.address, port }) === formatEndpoint(server);
  });
}

/** Each server that is kept; also of services that this router's configuration does not have. */
export function keptStatus({ entries }: Pick<Shared, "entries">, { services }: Pick<Config, "services">): KeptStatus[] {
  return keptServers(entries.values()).map((kept) => {
    const isThere = services.some((service) => isConfigured(kept, service));
    const change = kept.change.kind === "absent" ? "removed" : isThere ? "changed" : "added";
    return {
      service: formatServiceKey(kept.service),
      server: formatEndpoint(kept.server),
      change,
      detail: keptText(kept.change),
    };
  });
}

/** A warning for each service that is not as configured, so that nobody forgets it. */
export function keptWarnings(all: readonly KeptStatus[], { services }: Pick<Config, "services">): string[] {
  return services.flatMap(({ name, listen }) => {
    const keys = new Set(listen.map(({ key }) => formatServiceKey(key)));
    const own = all.filter(({ service }) => keys.has(service));
    return (["added", "changed", "removed"] as const).flatMap((change) => {
      const servers = [...new Set(own.filter((kept) => kept.change === change).map(({ server }) => server))];
      if (servers.length === 0) return [];
      const are = servers.length === 1 ? "is" : "are";
      return [`${name}: ${servers.join(", ")} ${are} ${change} by an operator, beside the configuration`];
    });
  });
}
