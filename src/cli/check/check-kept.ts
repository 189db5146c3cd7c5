/** Which servers are checked: the configured ones, with those that an operator added and without those removed. */
import { usualChecks } from "../../balance/servers/kept-servers.ts";
import { resolvePort } from "../../balance/servers/service-units.ts";
import type { ConfiguredServer, ConfiguredService } from "../../config/keys/config.ts";
import type { KeptStatus } from "../../daemon/status/status-report.ts";
import { formatEndpoint, parseEndpoint } from "../../model/address.ts";
import type { RealServer } from "../../model/real-server.ts";
import { newServer } from "../../model/server-settings.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";

/** Whether an operator took the server out of each address that its service listens on. */
function isRemoved({ listen }: ConfiguredService, { endpoint }: RealServer, removed: ReadonlySet<string>): boolean {
  return listen.every(({ key }) =>
    removed.has(`${formatServiceKey(key)} ${formatEndpoint(resolvePort(endpoint, key))}`),
  );
}

/** The servers of a service that are checked, by what operators have changed beside the configuration. */
export function checkedServers(service: ConfiguredService, kept: readonly KeptStatus[]): readonly ConfiguredServer[] {
  const named = (change: KeptStatus["change"]) => kept.filter((one) => one.change === change);
  const removed = new Set(named("removed").map(({ service: key, server }) => `${key} ${server}`));
  const keys = new Set(service.listen.map(({ key }) => formatServiceKey(key)));
  const added = named("added").filter(({ service: key }) => keys.has(key));
  const endpoints = [...new Set(added.map(({ server }) => server))].map(parseEndpoint);
  return [
    ...service.servers.filter(({ server }) => !isRemoved(service, server, removed)),
    ...endpoints.flatMap((endpoint) =>
      endpoint.ok ? [{ server: newServer(endpoint.value), ...usualChecks(service) }] : [],
    ),
  ];
}
