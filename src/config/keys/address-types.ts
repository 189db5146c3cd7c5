import { type Parsed, parsed, problem } from "../../lib/parsed.ts";
import {
  type AddressPrefix,
  addressBits,
  addressBytes,
  type Endpoint,
  formatAddressPrefix,
  formatEndpoint,
  type IpAddress,
  parseAddress,
  parseAddressPrefix,
  parseEndpoint,
} from "../../model/address.ts";
import { formatServiceKey, parseServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import { parsedText, type ScalarType, shown } from "./value-type.ts";

/** The addresses of the file, each kind with what makes it impossible. */

/** Why an address can't be one machine's own; undefined when it can. */
function unusable(address: IpAddress): string | undefined {
  const bytes = addressBytes(address);
  const first = bytes[0] ?? 0;
  if (bytes.every((byte) => byte === 0)) return "stands for no address";
  if (address.family === "inet") {
    // RFC 1122 section 3.2.1.3, RFC 5771, RFC 1112 section 4 (class E with the broadcast address)
    if (first === 0) return 'belongs to "this network"';
    if (first >= 224) return first < 240 ? "is a multicast address" : "is reserved";
    return undefined;
  }
  if (first === 0xff) return "is a multicast address";
  return isLinkLocal(address)
    ? "is a link-local address, which is known on one network only and has no route"
    : undefined;
}

/** RFC 4291 section 2.5.6: fe80::/10 means nothing without an interface. */
function isLinkLocal(address: IpAddress): boolean {
  const [first, second = 0] = addressBytes(address);
  return address.family === "inet6" && first === 0xfe && (second & 0xc0) === 0x80;
}

function isLoopback(address: IpAddress): boolean {
  return address.family === "inet" ? address.text.startsWith("127.") : address.text === "::1";
}

function checkedAddress(address: IpAddress, loopback: "loopback" | "no loopback"): Parsed<IpAddress> {
  const reason = unusable(address);
  if (reason !== undefined) return problem(`${address.text} ${reason}`);
  return loopback === "no loopback" && isLoopback(address)
    ? problem(`${address.text} is a loopback address, which no other machine can reach`)
    : parsed(address);
}

/** An address that other machines can reach. */
export const hostAddress: ScalarType<IpAddress> = parsedText(
  'an IP address such as "203.0.113.2"',
  (text) => {
    const result = parseAddress(text);
    return result.ok ? checkedAddress(result.value, "no loopback") : result;
  },
  (address) => address.text,
);

/** Whether an IPv4 prefix's address is its network's first or last, which no machine may have (RFC 1122, RFC 3021). */
function isNetworkOrBroadcast(prefix: AddressPrefix): "network" | "broadcast" | undefined {
  const bits = addressBits(prefix.address.family);
  if (prefix.address.family !== "inet" || prefix.prefixLength >= bits - 1) return undefined;
  const number = new DataView(addressBytes(prefix.address).buffer).getUint32(0);
  const hostMask = 0xffff_ffff >>> prefix.prefixLength;
  const host = (number & hostMask) >>> 0;
  if (host === 0) return "network";
  return host === hostMask ? "broadcast" : undefined;
}

/** Whether a prefix can be a VIP. It may be link-local: an interface is always named besides. */
export function checkVip(prefix: AddressPrefix): Parsed<AddressPrefix> {
  const usable = isLinkLocal(prefix.address) ? parsed(prefix.address) : checkedAddress(prefix.address, "no loopback");
  if (!usable.ok) return usable;
  const text = shown(formatAddressPrefix(prefix));
  if (prefix.prefixLength === 0) return problem(`${text} has the prefix length 0, which covers every address`);
  const role = isNetworkOrBroadcast(prefix);
  return role === undefined ? parsed(prefix) : problem(`${text} is the ${role} address of its own network`);
}

/** A VIP with the prefix length of its network. */
export const vipPrefix: ScalarType<AddressPrefix> = parsedText(
  'an address with its prefix length, such as "203.0.113.10/24"',
  (text) => {
    const result = parseAddressPrefix(text);
    return result.ok ? checkVip(result.value) : result;
  },
  formatAddressPrefix,
);

/** A real server: an address with an optional port. Loopback is allowed, for a server on the router itself. */
export const serverEndpoint: ScalarType<Endpoint> = parsedText(
  'an address with a port, such as "10.0.0.11:80"',
  (text) => {
    const result = parseEndpoint(text);
    if (!result.ok) return result;
    const usable = checkedAddress(result.value.address, "loopback");
    return usable.ok ? result : usable;
  },
  (endpoint) => (endpoint.port === 0 ? formatBareAddress(endpoint.address) : formatEndpoint(endpoint)),
);

function formatBareAddress(address: IpAddress): string {
  return address.family === "inet" ? address.text : `[${address.text}]`;
}

/** What clients connect to. */
export const listenKey: ScalarType<ServiceKey> = parsedText(
  'a virtual service such as "tcp://203.0.113.10:80"',
  (text) => {
    const result = parseServiceKey(text);
    if (!result.ok || result.value.kind === "fwmark") return result;
    const usable = checkedAddress(result.value.address, "loopback");
    return usable.ok ? result : usable;
  },
  formatServiceKey,
);

/** The multicast group of the kernel's connection synchronisation. */
export const multicastGroup: ScalarType<string> = parsedText(
  'a multicast address such as "224.0.0.81"',
  (text) => {
    const result = parseAddress(text);
    if (!result.ok) return result;
    const first = addressBytes(result.value)[0] ?? 0;
    const multicast = result.value.family === "inet" ? first >= 224 && first < 240 : first === 0xff;
    return multicast ? parsed(result.value.text) : problem(`${text} is not a multicast address`);
  },
  (text) => text,
);

/** Any address that a packet can be sent to or come from, loopback too. */
export const plainAddress: ScalarType<IpAddress> = parsedText(
  'an IP address such as "10.0.0.11"',
  (text) => {
    const result = parseAddress(text);
    return result.ok ? checkedAddress(result.value, "loopback") : result;
  },
  (address) => address.text,
);
