/** `service list --connections`: the kernel's table of connections. */
import { visitConnections } from "../../kernel/ipvs/connection-list.ts";
import { StateError, TandemError } from "../../lib/errors.ts";
import { type Endpoint, formatEndpoint, sameAddress } from "../../model/address.ts";
import { type IpvsConnection, isClientMemory } from "../../model/ipvs-connection.ts";
import type { ServiceKey } from "../../model/virtual-service.ts";
import type { Output } from "../output/output.ts";
import { type Cell, type Column, renderTable } from "../output/table.ts";

export interface ConnectionFilter {
  readonly service: ServiceKey | undefined;
  readonly server: Endpoint | undefined;
}

/** More would not be shown by any terminal, and would not fit in memory; a filter finds what is looked for. */
const CONNECTIONS_MAX = 1_000_000;

/** Whether a connection is one of those asked for. Port 0 of a service or of a server stands for any. */
export function matchesFilter(connection: IpvsConnection, { service, server }: ConnectionFilter): boolean {
  if (service?.kind === "address") {
    if (connection.protocol !== service.protocol) return false;
    if (!sameAddress(connection.virtual.address, service.address)) return false;
    if (service.port !== 0 && connection.virtual.port !== service.port) return false;
  }
  if (server === undefined) return true;
  return (
    sameAddress(connection.server.address, server.address) &&
    (server.port === 0 || connection.server.port === server.port)
  );
}

/** The connections that pass the filter, in the kernel's order. @throws TandemError */
export function findConnections(filter: ConnectionFilter): IpvsConnection[] {
  if (filter.service?.kind === "fwmark") {
    throw new TandemError({
      operation: "list the connections",
      subject: `of fwmark:${filter.service.mark}`,
      reason: "the kernel does not say which connections came by a firewall mark",
      hint: "name a server: --server 10.0.0.11:80",
    });
  }
  const found: IpvsConnection[] = [];
  visitConnections((connection) => {
    if (!matchesFilter(connection, filter)) return;
    if (found.length >= CONNECTIONS_MAX) {
      throw new StateError({
        operation: "list the connections",
        reason: `there are more than ${CONNECTIONS_MAX}`,
        hint: "name a service or a --server",
      });
    }
    found.push(connection);
  });
  return found;
}

const COLUMNS: readonly Column[] = [
  { header: "PROTOCOL", dropOrder: 2 },
  { header: "CLIENT", cutLast: true },
  { header: "SERVICE", dropOrder: 1 },
  { header: "REAL SERVER", cutLast: true },
  { header: "STATE" },
  { header: "EXPIRES", align: "right" },
  { header: "ENGINE", hideEmpty: true, dropOrder: 3, flexible: true },
];

function row(connection: IpvsConnection): Cell[] {
  const memory = isClientMemory(connection);
  return [
    connection.protocol,
    memory ? connection.client.address.text : formatEndpoint(connection.client),
    formatEndpoint(connection.virtual),
    formatEndpoint(connection.server),
    memory ? "persistent" : connection.state,
    `${connection.expiresSeconds}s`,
    connection.engineData ?? "",
  ];
}

/** Lines of the table. */
export function connectionLines(connections: readonly IpvsConnection[], output: Output): string[] {
  return renderTable(COLUMNS, connections.map(row), output);
}

/** For --json. */
export function connectionsJson(connections: readonly IpvsConnection[]): Record<string, unknown>[] {
  return connections.map((connection) => ({
    protocol: connection.protocol,
    client: formatEndpoint(connection.client),
    virtual: formatEndpoint(connection.virtual),
    server: formatEndpoint(connection.server),
    state: connection.state,
    expiresSeconds: connection.expiresSeconds,
    persistent: isClientMemory(connection),
    engineData: connection.engineData ?? null,
  }));
}
