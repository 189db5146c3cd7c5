import { type IpAddress, sameAddress } from "../../model/address.ts";
import { formatDuration } from "../../model/duration.ts";
import { PATHS, type PairSettings, type RouterAddresses, type RouterId } from "../../model/pair.ts";
import type { PAIR } from "../keys/schema.ts";
import { named, type Table, whole } from "../keys/table-type.ts";
import type { Place } from "../places/place.ts";

export type PairTable = Table<typeof PAIR.spec>;
type RouterTable = NonNullable<PairTable["fields"]["primary"]>;

const ROUTERS: readonly RouterId[] = ["primary", "backup"];

/** An address that one of the routers has for itself. */
export interface OwnAddress {
  readonly address: IpAddress;
  /** `the public address of lvs1`. */
  readonly role: string;
  readonly place: Place;
}

/** The addresses of both routers, as far as they could be read. */
export function ownAddresses(pair: PairTable | undefined): readonly OwnAddress[] {
  const own: OwnAddress[] = [];
  for (const router of ROUTERS) {
    const table = pair?.fields[router];
    if (table === undefined) continue;
    for (const path of PATHS) {
      const address = table.fields[path];
      if (address === undefined) continue;
      own.push({
        address,
        role: `the ${path} address of ${table.fields.name ?? router}`,
        place: table.place.key(path),
      });
    }
  }
  return own;
}

function checkTimes(pair: PairTable): void {
  const { interval, dead_after: deadAfter, lease } = pair.fields;
  if (interval !== undefined && deadAfter !== undefined && deadAfter < 2 * interval) {
    const given = pair.given.has("dead_after") ? "dead_after" : "interval";
    pair.place
      .key(given)
      .error(
        `${named(pair, "dead_after", formatDuration(deadAfter))} must be at least twice ` +
          `${named(pair, "interval", formatDuration(interval))}, or one late heartbeat moves the VIPs`,
        `set dead_after to "${formatDuration(2 * interval)}" or more, or interval to less`,
      );
  }
  if (lease !== undefined && deadAfter !== undefined && lease < deadAfter) {
    pair.place
      .key(pair.given.has("lease") ? "lease" : "dead_after")
      .warn(
        `${named(pair, "lease", formatDuration(lease))} is shorter than ` +
          `${named(pair, "dead_after", formatDuration(deadAfter))}: a router that hangs loses the VIPs before the other takes them`,
      );
  }
}

function checkAddresses(pair: PairTable): void {
  const seen: OwnAddress[] = [];
  for (const own of ownAddresses(pair)) {
    const twin = seen.find((other) => sameAddress(other.address, own.address));
    if (twin !== undefined) {
      own.place.repeated(`${own.address.text} is ${twin.role} already; ${own.role} must be another one`, twin.place);
    }
    seen.push(own);
  }
  const { primary, backup } = pair.fields;
  for (const path of PATHS) {
    const ours = primary?.fields[path];
    const theirs = backup?.fields[path];
    if (ours === undefined || theirs === undefined || ours.family === theirs.family) continue;
    backup?.place
      .key(path)
      .error(
        `pair.primary.${path} (${ours.text}) and pair.backup.${path} (${theirs.text}) must be both IPv4 or both IPv6`,
      );
  }
}

function checkNames(pair: PairTable): void {
  const { primary, backup } = pair.fields;
  const name = primary?.fields.name;
  if (primary === undefined || backup === undefined || name === undefined || name !== backup.fields.name) return;
  backup.place.key("name").repeated(`both routers have the name "${name}"`, primary.place.key("name"));
}

function checkNeighbours(pair: PairTable): void {
  const own = ownAddresses(pair);
  for (const [index, neighbour] of (pair.fields.neighbours ?? []).entries()) {
    const router = own.find(({ address }) => sameAddress(address, neighbour));
    if (router === undefined) continue;
    const message = `${neighbour.text} is ${router.role}, which is no evidence about its own network`;
    pair.place.key("neighbours").index(index).error(message, "name gateways or real servers");
  }
}

function resolveRouter(table: RouterTable | undefined): RouterAddresses | undefined {
  if (table === undefined) return undefined;
  const { name, public: publicAddress, private: privateAddress } = table.fields;
  return whole({ name, public: publicAddress, private: privateAddress });
}

/** The settings of `[pair]` once they agree with each other; undefined when something is wrong, which is reported. */
export function resolvePair(pair: PairTable | undefined): PairSettings | undefined {
  if (pair === undefined) return undefined;
  checkTimes(pair);
  checkAddresses(pair);
  checkNames(pair);
  checkNeighbours(pair);
  const { fields } = pair;
  return whole({
    keyFile: fields.key_file,
    intervalMs: fields.interval,
    deadAfterMs: fields.dead_after,
    failback: fields.failback,
    failbackAfterMs: fields.failback_after,
    leaseMs: fields.lease,
    port: fields.port,
    primary: resolveRouter(fields.primary),
    backup: resolveRouter(fields.backup),
    neighbours: fields.neighbours,
    stop: fields.stop,
    views: fields.views,
  });
}
