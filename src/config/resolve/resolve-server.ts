import { type Endpoint, formatEndpoint, sameAddress } from "../../model/address.ts";
import type { Forwarding, RealServer, Tunnel } from "../../model/real-server.ts";
import { formatServiceKey, type ServiceKey, serviceFamily } from "../../model/virtual-service.ts";
import type { SERVICES } from "../keys/service-schema.ts";
import { isTableValue, type Table, whole } from "../keys/table-type.ts";
import type { Place } from "../places/place.ts";

export type ServiceTable = Table<typeof SERVICES.item.spec>;
export type ServerTable = NonNullable<ServiceTable["fields"]["real"]>[number];
export type TunnelValue = NonNullable<ServiceTable["fields"]["tunnel"]>;

/** What a real server takes from its service. */
export interface ServerContext {
  /** What the service listens on, each with its place. */
  readonly listens: readonly { readonly key: ServiceKey; readonly place: Place }[];
  readonly forward: Forwarding | undefined;
  readonly tunnel: TunnelValue | undefined;
}

/** The one port that a service listens on; undefined when there are several, or marks, or every port. */
function servicePort(context: ServerContext): number | undefined {
  const ports = new Set(context.listens.map(({ key }) => (key.kind === "address" ? key.port : 0)));
  const [port] = ports;
  return ports.size === 1 && port !== 0 ? port : undefined;
}

/** The endpoint with the service's port where it has none of its own; port 0 stays where that is ambiguous. */
export function withServicePort(endpoint: Endpoint, context: ServerContext): Endpoint {
  return endpoint.port === 0 ? { address: endpoint.address, port: servicePort(context) ?? 0 } : endpoint;
}

/** `tunnel` as the model has it: absent where it says what its absence says, plain ipip. */
function tunnelFrom(value: TunnelValue | undefined): Tunnel | undefined {
  if (value === undefined || value === "ipip") return undefined;
  if (!isTableValue(value)) return { type: value, port: 0, checksum: "none" };
  const { type, port = 0, checksum = "none" } = value.fields;
  return type === undefined || type === "ipip" ? undefined : { type, port, checksum };
}

function checkTunnel(value: TunnelValue | undefined, place: Place): void {
  if (value === undefined || !isTableValue(value)) return;
  const { type, port, checksum } = value.fields;
  if (type === "gue" && !value.given.has("port")) {
    place.missing('a tunnel of the type "gue" needs the key port', "such as: port = 6080");
  }
  if (type !== undefined && type !== "gue" && port !== undefined) {
    place.key("port").keyError(`a tunnel of the type "${type}" has no port`, 'only "gue" has one');
  }
  if ((type === "ipip" && checksum !== "none") || (type === "gre" && checksum === "remote")) {
    const hint = type === "ipip" ? 'it must be "none"' : 'it must be "none" or "full"';
    place.key("checksum").error(`a tunnel of the type "${type}" can't have the checksum "${checksum}"`, hint);
  }
}

function checkPort(endpoint: Endpoint, forward: Forwarding, context: ServerContext, place: Place): void {
  if (forward === "nat" || endpoint.port === 0) return;
  for (const { key } of context.listens) {
    if (key.kind === "fwmark" || key.port === endpoint.port) continue;
    place.error(
      `${formatEndpoint(endpoint)} has another port than ${formatServiceKey(key)}, which forward = "${forward}" can't change`,
      'leave the port out, or use forward = "nat"',
    );
    return;
  }
}

function checkAgainstListens(endpoint: Endpoint, forward: Forwarding, context: ServerContext, place: Place): void {
  for (const { key } of context.listens) {
    if (key.kind === "address" && sameAddress(key.address, endpoint.address)) {
      place.error(`${endpoint.address.text} is the address of the service itself`);
      return;
    }
    // ip_vs_genl_set_cmd (net/netfilter/ipvs/ip_vs_ctl.c): families may differ through a tunnel only.
    if (forward === "tunnel" || serviceFamily(key) === endpoint.address.family) continue;
    const family = endpoint.address.family === "inet" ? "IPv4" : "IPv6";
    place.error(
      `${endpoint.address.text} is ${family} and ${formatServiceKey(key)} is not, which forward = "${forward}" can't bridge`,
      'use forward = "tunnel", or a service for each family',
    );
    return;
  }
}

/** The parts of a real server or a sorry server as they stand in the file. */
export interface ServerParts {
  readonly address: Endpoint | undefined;
  readonly addressPlace: Place;
  readonly place: Place;
  readonly forward: Forwarding | undefined;
  readonly tunnel: TunnelValue | undefined;
  readonly weight: number | undefined;
  readonly upperThreshold: number | undefined;
  readonly lowerThreshold: number | undefined;
}

function checkThresholds({ upperThreshold: upper, lowerThreshold: lower, place }: ServerParts): void {
  if (upper === undefined || lower === undefined || lower === 0 || lower < upper) return;
  const way = upper === 0 ? "which is no limit" : "the number at which new work stops";
  place.key("lower_threshold").error(`lower_threshold (${lower}) must be less than upper_threshold (${upper}), ${way}`);
}

function tunnelOf(parts: ServerParts, context: ServerContext): Tunnel | undefined {
  const { forward, tunnel } = parts;
  const place = parts.place.key("tunnel");
  checkTunnel(tunnel, place);
  if (tunnel !== undefined && forward !== undefined && forward !== "tunnel") {
    const hint = 'set forward = "tunnel", or leave tunnel out';
    place.keyError(`tunnel has no effect with forward = "${forward}"`, hint);
  }
  return forward === "tunnel" ? tunnelFrom(tunnel ?? context.tunnel) : undefined;
}

/** Judges the service's own tunnel settings. */
export function checkServiceTunnel(service: ServiceTable): void {
  const { tunnel, forward, real } = service.fields;
  if (tunnel === undefined) return;
  const place = service.place.key("tunnel");
  checkTunnel(tunnel, place);
  const used = forward === "tunnel" || real?.some((server) => server.fields.forward === "tunnel");
  if (used !== true) place.warn('tunnel has no effect: no server has forward = "tunnel"');
}

/** A real server as the kernel should have it; undefined when something of it is missing, which is reported. */
export function resolveServer(parts: ServerParts, context: ServerContext): RealServer | undefined {
  const { forward, weight, upperThreshold, lowerThreshold } = parts;
  checkThresholds(parts);
  const tunnel = tunnelOf(parts, context);
  const endpoint = parts.address === undefined ? undefined : withServicePort(parts.address, context);
  if (endpoint !== undefined && forward !== undefined) {
    checkPort(endpoint, forward, context, parts.addressPlace);
    checkAgainstListens(endpoint, forward, context, parts.addressPlace);
  }
  const server = whole({ endpoint, forward, weight, upperThreshold, lowerThreshold });
  return server === undefined ? undefined : { ...server, ...(tunnel === undefined ? {} : { tunnel }) };
}
