import { type Parsed, parsed, problem } from "../lib/parsed.ts";
import { type Endpoint, formatEndpoint, sameAddress } from "../model/address.ts";
import { formatServiceKey } from "../model/virtual-service.ts";
import { type Drain, type Drains, MAX_DRAINS, type OrderedServer, withDrain, withoutDrain } from "./drains.ts";
import type { BalancerInput, OrderTarget } from "./input.ts";
import type { Unit } from "./units.ts";

export type Order = Extract<BalancerInput, { kind: "drain" | "undrain" | "weight" }>;

/** An address without a port means the server whatever its port. */
function meansServer(given: Endpoint, server: Endpoint): boolean {
  return sameAddress(given.address, server.address) && (given.port === 0 || given.port === server.port);
}

interface Match {
  readonly unit: Unit;
  readonly endpoint: Endpoint;
}

function matchesOf(target: OrderTarget, units: Iterable<Unit>): Match[] {
  const wanted = target.service === undefined ? undefined : formatServiceKey(target.service);
  const matches: Match[] = [];
  for (const unit of units) {
    if (wanted !== undefined && unit.key !== wanted) continue;
    for (const { server } of unit.servers) {
      if (meansServer(target.server, server.endpoint)) matches.push({ unit, endpoint: server.endpoint });
    }
  }
  return matches;
}

function drainFor(order: Order, { unit, endpoint }: Match): Drain | undefined {
  const at = { service: unit.service.key, server: endpoint };
  if (order.kind === "drain") return { kind: "drain", ...at };
  return order.kind === "weight" && order.weight !== undefined
    ? { kind: "weight", weight: order.weight, ...at }
    : undefined;
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
  const matches = matchesOf(order, units);
  if (matches.length === 0) {
    const where = order.service === undefined ? "no configured service" : formatServiceKey(order.service);
    return problem(
      `${where} has ${order.service === undefined ? "the" : "no"} real server ${formatEndpoint(order.server)}`,
    );
  }
  const made = matches.map(({ unit, endpoint }) => ({ service: unit.service.key, server: endpoint }));
  let result = drains;
  for (const match of matches) {
    const drain = drainFor(order, match);
    const next =
      drain === undefined ? withoutDrain(result, match.unit.service.key, match.endpoint) : withDrain(result, drain);
    if (next === undefined) return problem(`there are ${MAX_DRAINS} orders already`);
    result = next;
  }
  return parsed({ drains: result, touched: matches.map(({ unit }) => unit.key), made });
}
