import { type IpvsChange, NO_TRAFFIC, type ObservedService } from "../../model/ipvs-table.ts";
import {
  ROW,
  ROW_ADDRESS,
  ROW_FORWARDINGS,
  ROW_NUMBERS,
  ROW_THRESHOLDS,
  ROW_TUNNEL,
  type ServerRows,
  type TableRows,
} from "../../model/server-rows.ts";
import { formatServiceKey, type VirtualService } from "../../model/virtual-service.ts";
import { planService, sameService } from "./table-plan.ts";

/** The smallest set of changes from the kernel's table to one that was saved. */

/** What is to be done, and the services that it is done to as they are before, by the texts of their keys. */
export interface RestorePlan {
  readonly changes: readonly IpvsChange[];
  readonly before: ReadonlyMap<string, ObservedService>;
}

function removals(others: readonly VirtualService[]): IpvsChange[] {
  return others.map(({ key }) => ({ kind: "delete-service", key }) as const);
}

/** The rows of one service. */
interface Part {
  readonly rows: ServerRows;
  readonly first: number;
  readonly end: number;
}

function partOf({ servers, ends }: TableRows<VirtualService>, index: number): Part {
  return { rows: servers, first: ends[index - 1] ?? 0, end: ends[index] ?? 0 };
}

function observedServers({ rows, first, end }: Part): ObservedService["servers"] {
  return Array.from({ length: end - first }, (_, index) => rows.observed(first + index));
}

interface ServicePart {
  readonly service: VirtualService;
  readonly part: Part;
}

function observedService({ service, part }: ServicePart): ObservedService {
  return { service, servers: observedServers(part), stats: NO_TRAFFIC };
}

function sameEndpoint(a: ServerRows, rowA: number, b: ServerRows, rowB: number): boolean {
  const numbersA = a.numbers(rowA);
  const numbersB = b.numbers(rowB);
  const startA = a.start(rowA);
  const startB = b.start(rowB);
  if (numbersA[startA + ROW.port] !== numbersB[startB + ROW.port]) return false;
  if (numbersA[startA + ROW.isInet6] !== numbersB[startB + ROW.isInet6]) return false;
  const length = numbersA[startA + ROW.isInet6] === 0 ? ROW_ADDRESS + 1 : ROW_NUMBERS;
  for (let index = ROW_ADDRESS; index < length; index += 1) {
    if (numbersA[startA + index] !== numbersB[startB + index]) return false;
  }
  return true;
}

const LOCAL = ROW_FORWARDINGS.indexOf("local");
const TUNNEL = ROW_FORWARDINGS.indexOf("tunnel");
const SETTINGS = [ROW.weight, ...ROW_THRESHOLDS] as const;

/** `sameServer` of rows: in a row the absence of a tunnel's settings is plain ipip already. */
function sameSettings(wanted: ServerRows, row: number, observed: ServerRows, other: number): boolean {
  const numbers = wanted.numbers(row);
  const otherNumbers = observed.numbers(other);
  const start = wanted.start(row);
  const otherStart = observed.start(other);
  const forward = otherNumbers[otherStart + ROW.forward];
  if (forward !== LOCAL && forward !== numbers[start + ROW.forward]) return false;
  for (const field of SETTINGS) if (numbers[start + field] !== otherNumbers[otherStart + field]) return false;
  if (forward !== TUNNEL) return true;
  return ROW_TUNNEL.every((field) => numbers[start + field] === otherNumbers[otherStart + field]);
}

/** An address and a port as one word. */
function endpointName(rows: ServerRows, row: number): string {
  const start = rows.start(row);
  const length = rows.get(row, ROW.isInet6) === 0 ? 1 : ROW_NUMBERS - ROW_ADDRESS;
  const address = rows.numbers(row).subarray(start + ROW_ADDRESS, start + ROW_ADDRESS + length);
  return `${address.join(" ")} ${rows.get(row, ROW.port)}`;
}

/** Whether the servers are the same and set alike, in whatever order. No endpoint is twice in a part. */
function sameServers(wanted: Part, observed: Part): boolean {
  const count = wanted.end - wanted.first;
  if (count !== observed.end - observed.first) return false;
  let byName: Map<string, number> | undefined;
  for (let index = 0; index < count; index += 1) {
    const row = wanted.first + index;
    // The kernel lists first what came last, and a saved table is in the order in which it was made.
    let other: number | undefined = observed.end - 1 - index;
    if (!sameEndpoint(wanted.rows, row, observed.rows, other)) {
      byName ??= namesOf(observed);
      other = byName.get(endpointName(wanted.rows, row));
    }
    if (other === undefined || !sameSettings(wanted.rows, row, observed.rows, other)) return false;
  }
  return true;
}

function namesOf({ rows, first, end }: Part): Map<string, number> {
  const names = new Map<string, number>();
  for (let row = first; row < end; row += 1) names.set(endpointName(rows, row), row);
  return names;
}

/**
 * Plans from rows: a service that is as it should be becomes no objects.
 * @param keepOthers leaves the services that are not wanted.
 */
export function planRestore(
  wanted: TableRows<VirtualService>,
  observed: TableRows<VirtualService>,
  keepOthers: boolean,
): RestorePlan {
  const others = new Map(
    observed.services.map((service, index) => [
      formatServiceKey(service.key),
      { service, part: partOf(observed, index) },
    ]),
  );
  const before = new Map<string, ObservedService>();
  const changes: IpvsChange[] = [];
  for (const [index, service] of wanted.services.entries()) {
    const name = formatServiceKey(service.key);
    const part = partOf(wanted, index);
    const other = others.get(name);
    others.delete(name);
    if (other !== undefined) {
      if (sameService(service, other.service) && sameServers(part, other.part)) continue;
      before.set(name, observedService(other));
    }
    const servers = observedServers(part).map(({ server }) => server);
    changes.push(...planService({ service, servers }, before.get(name)));
  }
  if (keepOthers) return { changes, before };
  for (const [name, other] of others) before.set(name, observedService(other));
  return { changes: [...changes, ...removals([...others.values()].map(({ service }) => service))], before };
}
