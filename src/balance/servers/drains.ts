import { type Endpoint, formatEndpoint } from "../../model/address.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";

/**
 * What an operator ordered for one real server of one virtual service at run time: no new work (`drain`), or another
 * weight. It lasts until it is taken back: over reload, restart and failover, also while the server is not configured.
 */
export type Drain =
  | { readonly kind: "drain"; readonly service: ServiceKey; readonly server: Endpoint }
  | { readonly kind: "weight"; readonly service: ServiceKey; readonly server: Endpoint; readonly weight: number };

/** A server of a service that an order is for. */
export interface OrderedServer {
  readonly service: ServiceKey;
  readonly server: Endpoint;
}

/** Orders by service and server. At most `MAX_DRAINS`. */
export type Drains = ReadonlyMap<string, Drain>;

/** More orders than this are refused; nobody drains ten thousand servers by hand. */
export const MAX_DRAINS = 10_000;

/** There is one order per server of a service. */
export function drainKey(service: ServiceKey, server: Endpoint): string {
  return `${formatServiceKey(service)} ${formatEndpoint(server)}`;
}

/** A list of orders as a map; a later one for the same server replaces an earlier one; those over the limit are dropped. */
export function drainsOf(orders: readonly Drain[]): Drains {
  return new Map(orders.slice(0, MAX_DRAINS).map((order) => [drainKey(order.service, order.server), order]));
}

/** The weight that an order makes of the configured one; 0 for a drained server. */
export function orderedWeight(drains: Drains, service: ServiceKey, server: Endpoint, weight: number): number {
  // Most tables have none, and this is asked for each server of a table at each look.
  const order = drains.size === 0 ? undefined : drains.get(drainKey(service, server));
  if (order === undefined) return weight;
  return order.kind === "drain" ? 0 : order.weight;
}

export function isDrained(drains: Drains, service: ServiceKey, server: Endpoint): boolean {
  return drains.get(drainKey(service, server))?.kind === "drain";
}
