/** The values in lines of ipvsadm: addresses, marks, masks, numbers. */
import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import {
  addressBytes,
  addressFromBytes,
  type Endpoint,
  type Family,
  type IpAddress,
  parseAddress,
} from "../../model/address.ts";
import type { Persistence, Protocol, ServiceKey } from "../../model/virtual-service.ts";
import type { Options } from "./ipvsadm-words.ts";
import type { NameLookup } from "./name-lookup.ts";

/** ipvsadm -p without a number (IPVS_SVC_PERSISTENT_TIMEOUT, libipvs.h: six minutes). */
export const DEFAULT_PERSISTENCE_SECONDS = 360;
/** MAX_TIMEOUT of ipvsadm.c: 31 days. */
export const MAX_PERSISTENCE_SECONDS = 2_678_400;

/** A whole number in decimal digits, from `min` to `max`. */
export function parseNumber(text: string, min: number, max: number): Parsed<number> {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= min && value <= max) return parsed(value);
  return problem(`${JSON.stringify(text)} is not a number from ${min} to ${max}`);
}

/** As much as a name may have (RFC 1035, section 2.3.4), of the characters that the resolver takes. */
const HOST_NAME = /^(?=.*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9_.])?$/;

function parseHost(text: string, isBracketed: boolean, lookup: NameLookup): Parsed<IpAddress> {
  const result = parseAddress(text);
  if (result.ok) return result;
  // ipvsadm takes a name in brackets for that of an IPv6 address (parse_service).
  const found = HOST_NAME.test(text) ? lookup.host(text, isBracketed ? "inet6" : undefined) : undefined;
  return found === undefined ? problem(`${JSON.stringify(text)} is not an address`) : parsed(found);
}

function parsePortText(text: string, protocol: Protocol, lookup: NameLookup): Parsed<number> {
  if (/^\d+$/.test(text)) return parseNumber(text, 0, 65_535);
  const found = lookup.port(text, protocol);
  return found === undefined ? problem(`${JSON.stringify(text)} is not a port`) : parsed(found);
}

/**
 * `HOST[:PORT]` as ipvsadm takes it. A bare IPv6 address has no port: its last colon is not a separator.
 * Without a port it is 0.
 */
export function parseHostAndPort(text: string, protocol: Protocol, lookup: NameLookup): Parsed<Endpoint> {
  const match =
    /^\[([^\]]*)\](?::(.*))?$/.exec(text) ??
    /^([^:]*)(?::([^:]*))?$/.exec(text) ??
    (parseAddress(text).ok ? [text, text] : /^([^:]*)(?::(.*))?$/.exec(text));
  const [, hostText = text, portText] = match ?? [];
  const host = parseHost(hostText, text.startsWith("["), lookup);
  if (!host.ok) return host;
  const port = portText === undefined ? parsed(0) : parsePortText(portText, protocol, lookup);
  return port.ok ? parsed({ address: host.value, port: port.value }) : port;
}

/** A firewall mark. ipvsadm prints those above 2147483647 as negative numbers, which it then refuses itself. */
export function parseMark(text: string): Parsed<number> {
  const value = /^-\d{1,10}$/.test(text) ? Number(text) + 2 ** 32 : Number(text);
  return /^-?\d{1,10}$/.test(text) && value >= 1 && value <= 0xffff_ffff
    ? parsed(value)
    : problem(`${JSON.stringify(text)} is not a firewall mark from 1 to 4294967295`);
}

const PROTOCOL_OPTIONS: readonly (readonly [string, Protocol])[] = [
  ["tcp-service", "tcp"],
  ["udp-service", "udp"],
  ["sctp-service", "sctp"],
];

/** Something wrong with the value of an option, or with its absence. */
export interface ValueProblem {
  /** The option whose place is meant; absent: the whole line. */
  readonly option?: string;
  readonly message: string;
  readonly hint?: string;
}

export type Valued<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: ValueProblem };

/** A value that is wrong, at the place of its option. */
export function wrong(
  option: string,
  message: string,
  hint?: string,
): { readonly ok: false; readonly problem: ValueProblem } {
  return { ok: false, problem: { option, message, ...(hint === undefined ? {} : { hint }) } };
}

const NUMBERS_HINT = "names are looked up with --resolve only; ipvsadm -Sn saves numbers";

/** The service that a line is about. */
export function keyOf(options: Options, lookup: NameLookup): Valued<ServiceKey> {
  const given = ["tcp-service", "udp-service", "sctp-service", "fwmark-service"].filter((name) => options.has(name));
  const [option, second] = given;
  if (option === undefined)
    return { ok: false, problem: { message: "the line names no service: -t, -u, --sctp-service or -f" } };
  if (second !== undefined) return wrong(second, `a line is about one service, and --${second} is a second one`);
  const text = options.get(option)?.text ?? "";
  const family: Family = options.has("ipv6") ? "inet6" : "inet";
  const protocol = PROTOCOL_OPTIONS.find(([name]) => name === option)?.[1];
  if (protocol === undefined) {
    const mark = parseMark(text);
    return mark.ok ? { ok: true, value: { kind: "fwmark", mark: mark.value, family } } : wrong(option, mark.problem);
  }
  const endpoint = parseHostAndPort(text, protocol, lookup);
  if (!endpoint.ok) return wrong(option, endpoint.problem, NUMBERS_HINT);
  return { ok: true, value: { kind: "address", protocol, ...endpoint.value } };
}

/** The real server that a line is about; port 0 where it has none. */
export function endpointOf(options: Options, key: ServiceKey, lookup: NameLookup): Valued<Endpoint> {
  const text = options.get("real-server")?.text;
  if (text === undefined) return { ok: false, problem: { message: "the line names no real server: -r" } };
  const endpoint = parseHostAndPort(text, key.kind === "fwmark" ? "tcp" : key.protocol, lookup);
  return endpoint.ok ? { ok: true, value: endpoint.value } : wrong("real-server", endpoint.problem, NUMBERS_HINT);
}

type Mask = Pick<Persistence, "prefixLength" | "irregularMask">;

/** `-M`: a mask with dots for IPv4, a prefix length for IPv6. Masks with holes are possible, if strange. */
export function parseNetmask(text: string, family: Family): Parsed<Mask> {
  if (family === "inet6") {
    const length = parseNumber(text, 1, 128);
    return length.ok ? parsed({ prefixLength: length.value }) : length;
  }
  const mask = parseAddress(text);
  if (!mask.ok || mask.value.family !== "inet")
    return problem(`${JSON.stringify(text)} is not a mask such as 255.255.255.0`);
  return parsed(maskOf(mask.value));
}

/** A mask as a prefix length; one with holes is kept as well, beside the number of its ones. */
export function maskOf(mask: IpAddress): Mask {
  const bits = Array.from(addressBytes(mask), (byte) => byte.toString(2).padStart(8, "0")).join("");
  const prefixLength = bits.replaceAll("0", "").length;
  return /^1*0*$/.test(bits) ? { prefixLength } : { prefixLength, irregularMask: mask.text };
}

/** The mask with dots of an IPv4 prefix length. */
export function dottedMask(prefixLength: number): string {
  const bits = "1".repeat(prefixLength).padEnd(32, "0");
  return addressFromBytes(Uint8Array.from([0, 8, 16, 24], (start) => Number.parseInt(bits.slice(start, start + 8), 2)))
    .text;
}
