import { formatEndpoint } from "../../model/address.ts";
import { type IpvsChange, NO_TRAFFIC, type ObservedServer, type ObservedService } from "../../model/ipvs-table.ts";
import { type RealServer, realServerKey } from "../../model/real-server.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";

function freshServer(server: RealServer): ObservedServer {
  return { server, activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, stats: NO_TRAFFIC };
}

/**
 * Notes in a copy of the kernel's table what a change that the kernel took has made of it, so that the table need not be
 * read again after each change.
 * @param observed by the text of the key; changed in place
 */
export function noteChange(observed: Map<string, ObservedService>, change: IpvsChange): void {
  switch (change.kind) {
    case "add-service":
    case "edit-service": {
      const name = formatServiceKey(change.service.key);
      const before = observed.get(name) ?? { service: change.service, servers: [], stats: NO_TRAFFIC };
      observed.set(name, { ...before, service: change.service });
      return;
    }
    case "delete-service":
      observed.delete(formatServiceKey(change.key));
      return;
    case "zero":
      return;
    case "add-server":
    case "edit-server":
    case "delete-server":
      noteServer(observed, change);
  }
}

function noteServer(
  observed: Map<string, ObservedService>,
  change: Extract<IpvsChange, { kind: "add-server" | "edit-server" | "delete-server" }>,
): void {
  const name = formatServiceKey(change.key);
  const before = observed.get(name);
  if (before === undefined) return;
  const target = change.kind === "delete-server" ? formatEndpoint(change.endpoint) : realServerKey(change.server);
  const others = before.servers.filter(({ server }) => realServerKey(server) !== target);
  if (change.kind === "delete-server") {
    observed.set(name, { ...before, servers: others });
    return;
  }
  const existing = before.servers.find(({ server }) => realServerKey(server) === target);
  const noted = existing === undefined ? freshServer(change.server) : { ...existing, server: change.server };
  observed.set(name, { ...before, servers: [...others, noted] });
}
