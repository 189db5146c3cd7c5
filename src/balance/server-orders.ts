import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import { type Endpoint, formatEndpoint, sameAddress } from "../model/address.ts";
import { formatServiceKey } from "../model/virtual-service.ts";
import type { BalancerInput, OrderTarget } from "./balancer-input.ts";
import { type Drain, type Drains, drainKey, MAX_DRAINS, type OrderedServer } from "./servers/drains.ts";
import type { Unit } from "./servers/service-units.ts";

export type Order = Extract<BalancerInput, { kind: "drain" | "undrain" | "weight" }>;

/** An address without a port means the server whatever its port. */
function meansServer(given: Endpoint, server: Endpoint): boolean {
  return sameAddress(given.address, server.address) && (given.port === 0 || given.port === server.port);
}

/** The configured servers that an order is for, of each virtual service that has them. */
function matchesOf(target: OrderTarget, units: Iterable<Unit>): OrderedServer[] {
  const wanted = target.service === undefined ? undefined : formatServiceKey(target.service);
  const matches: OrderedServer[] = [];
  for (const unit of units) {
    if (wanted !== undefined && unit.key !== wanted) continue;
    for (const { server } of unit.servers) {
      if (target.server !== undefined && !meansServer(target.server, server.endpoint)) continue;
      matches.push({ service: unit.service.key, server: server.endpoint });
    }
  }
  return matches;
}

/** Orders that can be taken back although the configuration has lost what they are for. */
function leftOrders(target: OrderTarget, drains: Drains): OrderedServer[] {
  const wanted = target.service === undefined ? undefined : formatServiceKey(target.service);
  return [...drains.values()].filter(({ service, server }) => {
    if (wanted !== undefined && formatServiceKey(service) !== wanted) return false;
    return target.server === undefined || meansServer(target.server, server);
  });
}

/** What becomes of the order for one server; undefined: what held is taken back. */
function drainFor(order: Order, { service, server }: OrderedServer): Drain | undefined {
  if (order.kind === "drain") return { kind: "drain", service, server };
  return order.kind === "weight" && order.weight !== undefined
    ? { kind: "weight", weight: order.weight, service, server }
    : undefined;
}

function takesBack(order: Order): boolean {
  return order.kind === "undrain" || (order.kind === "weight" && order.weight === undefined);
}

function noMatch({ service, server }: OrderTarget): string {
  const where = service === undefined ? "no configured service" : formatServiceKey(service);
  if (server === undefined) return `the configuration has no real server of ${where}`;
  return `${where} has ${service === undefined ? "the" : "no"} real server ${formatEndpoint(server)}`;
}

export interface Ordered {
  readonly drains: Drains;
  /** Keys of the services that are concerned. */
  readonly touched: readonly string[];
  /** The servers that the order was for, one for each service that has it. */
  readonly made: readonly OrderedServer[];
}

/** What an order makes of those that hold, or why it is refused. */
export function giveOrder(order: Order, drains: Drains, units: Iterable<Unit>): Parsed<Ordered> {
  const configured = matchesOf(order, units);
  const made = takesBack(order) ? [...configured, ...leftOrders(order, drains)] : configured;
  if (made.length === 0) return problem(noMatch(order));
  const result = new Map(drains);
  for (const match of made) {
    const key = drainKey(match.service, match.server);
    const drain = drainFor(order, match);
    if (drain === undefined) result.delete(key);
    else result.set(key, drain);
  }
  // All or none: half of a service would be no help to anybody.
  if (result.size > MAX_DRAINS && result.size > drains.size) {
    return problem(`with it there would be more than ${MAX_DRAINS} orders`);
  }
  const touched = new Set(made.map(({ service }) => formatServiceKey(service)));
  return parsed({ drains: result, touched: [...touched], made: distinct(made) });
}

function distinct(servers: readonly OrderedServer[]): OrderedServer[] {
  return [...new Map(servers.map((each) => [drainKey(each.service, each.server), each])).values()];
}
