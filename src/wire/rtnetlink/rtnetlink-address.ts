/**
 * Addresses of interfaces (linux/if_addr.h). struct ifaddrmsg, 8 bytes:
 *   0 u8 family   1 u8 prefix length   2 u8 flags (superseded by IFA_FLAGS)   3 u8 scope   4 u32 interface index
 */
import { DecodeError } from "../../lib/errors.ts";
import { type AddressPrefix, addressBits, addressBytes, sameAddress } from "../../model/address.ts";
import type { InterfaceAddress } from "../../model/interface-address.ts";
import { Reader, type Writer } from "../bytes/bytes.ts";
import { AF_INET, AF_INET6, familyNumber, familyOf, readInetAddress, required } from "../bytes/inet-address.ts";
import {
  type Attributes,
  type AttributeType,
  attributes,
  bytes,
  cstring,
  u8,
  u32,
} from "../netlink/netlink-attributes.ts";

export const IFA_F_SECONDARY = 0x001;
export const IFA_F_NODAD = 0x002;
export const IFA_F_DADFAILED = 0x008;
export const IFA_F_TENTATIVE = 0x040;
export const IFA_F_NOPREFIXROUTE = 0x200;

/**
 * The mark of our addresses, the letter t. linux/if_addr.h uses 0 to 3 for the kernel and leaves the rest to user
 * space; of the routing daemons' numbers in linux/rtnetlink.h (RTPROT_*), which some put here too, none is 116.
 */
export const IFA_PROTO_TANDEM = 116;

/** A lifetime that does not end (INFINITY_LIFE_TIME, net/addrconf.h). */
const FOREVER = 0xffff_ffff;

/** struct ifa_cacheinfo. The stamps are hundredths of a second since boot. */
export interface AddressLifetime {
  readonly preferredSeconds: number;
  readonly validSeconds: number;
  readonly createdStamp: number;
  readonly updatedStamp: number;
}

const cacheInfo: AttributeType<AddressLifetime> = {
  name: "ifa_cacheinfo",
  nested: false,
  encode(writer, value) {
    writer.u32(value.preferredSeconds);
    writer.u32(value.validSeconds);
    writer.u32(value.createdStamp);
    writer.u32(value.updatedStamp);
  },
  decode: (reader) => ({
    preferredSeconds: reader.u32("ifa_prefered"),
    validSeconds: reader.u32("ifa_valid"),
    createdStamp: reader.u32("cstamp"),
    updatedStamp: reader.u32("tstamp"),
  }),
};

/** linux/if_addr.h: enum { IFA_* } */
const addressAttributes = attributes("IFA", {
  address: [1, bytes],
  local: [2, bytes],
  label: [3, cstring],
  broadcast: [4, bytes],
  lifetime: [6, cacheInfo],
  flags: [8, u32],
  routePriority: [9, u32],
  protocol: [11, u8],
});

export interface AddressMessage {
  readonly family: number;
  readonly prefixLength: number;
  readonly scope: number;
  readonly interfaceIndex: number;
  /** Those of IFA_FLAGS, else those of the header. */
  readonly flags: number;
  readonly attributes: Attributes<typeof addressAttributes>;
}

/** A request for all addresses of all interfaces. */
export function writeAddressDumpRequest(writer: Writer): void {
  writer.zeros(8);
}

/** What an address should be like in the kernel. */
export interface WantedAddress {
  readonly prefix: AddressPrefix;
  readonly interfaceIndex: number;
  readonly label?: string;
  readonly validSeconds: number | "forever";
  readonly preferredSeconds: number | "forever";
  /** IFA_F_* */
  readonly flags: number;
  /** RT_SCOPE_*; absent: universe, 0. IPv6 takes it from the address. */
  readonly scope?: number;
}

function writeAddressHeader(writer: Writer, prefix: AddressPrefix, interfaceIndex: number, scope = 0): void {
  writer.u8(familyNumber(prefix.address.family));
  writer.u8(prefix.prefixLength);
  writer.u8(0);
  writer.u8(scope);
  writer.u32(interfaceIndex);
}

function lifetimeNumber(seconds: number | "forever"): number {
  if (seconds === "forever") return FOREVER;
  if (seconds >= FOREVER) throw new RangeError(`a lifetime of ${seconds} s is too long`);
  return seconds;
}

/** The payload of RTM_NEWADDR, with our mark on it. @throws RangeError for a lifetime or an index out of range. */
export function writeAddress(writer: Writer, wanted: WantedAddress): void {
  const local = addressBytes(wanted.prefix.address);
  writeAddressHeader(writer, wanted.prefix, wanted.interfaceIndex, wanted.scope);
  addressAttributes.encode(writer, {
    address: local,
    local,
    label: wanted.label,
    lifetime: {
      preferredSeconds: lifetimeNumber(wanted.preferredSeconds),
      validSeconds: lifetimeNumber(wanted.validSeconds),
      createdStamp: 0,
      updatedStamp: 0,
    },
    flags: wanted.flags,
    protocol: IFA_PROTO_TANDEM,
  });
}

/** The payload of RTM_DELADDR: exactly this address with this prefix length, whatever its label. */
export function writeAddressRemoval(writer: Writer, prefix: AddressPrefix, interfaceIndex: number): void {
  const local = addressBytes(prefix.address);
  writeAddressHeader(writer, prefix, interfaceIndex);
  addressAttributes.encode(writer, { address: local, local });
}

/** The payload of RTM_DELADDR for an address as `toInterfaceAddress` read it. */
export function writeFoundRemoval(writer: Writer, { prefix, peer, label, interfaceIndex }: InterfaceAddress): void {
  writeAddressHeader(writer, prefix, interfaceIndex);
  const address = addressBytes(peer ?? prefix.address);
  addressAttributes.encode(writer, { address, local: addressBytes(prefix.address), label });
}

/** Reads the payload of RTM_NEWADDR and RTM_DELADDR. @throws DecodeError */
export function readAddress(payload: Uint8Array): AddressMessage {
  const reader = new Reader(payload);
  const family = reader.u8("ifa_family");
  const prefixLength = reader.u8("ifa_prefixlen");
  const headerFlags = reader.u8("ifa_flags");
  const scope = reader.u8("ifa_scope");
  const interfaceIndex = reader.u32("ifa_index");
  const values = addressAttributes.decode(reader);
  return { family, prefixLength, scope, interfaceIndex, flags: values.flags ?? headerFlags, attributes: values };
}

/** Whether it is an address of the Internet protocols: a dump has those of others too (MCTP, Phonet). */
export function isInternetAddress(message: AddressMessage): boolean {
  return message.family === AF_INET || message.family === AF_INET6;
}

/**
 * @param interfaceName The name of an interface, or undefined for one not known.
 * @throws DecodeError that names what is missing or makes no sense.
 */
export function toInterfaceAddress(
  message: AddressMessage,
  interfaceName: (index: number) => string | undefined,
): InterfaceAddress {
  const { interfaceIndex, flags, attributes: values, prefixLength } = message;
  const family = familyOf(message.family, "ifa_family");
  if (prefixLength > addressBits(family)) {
    throw new DecodeError("ifa_prefixlen", `${prefixLength} is too long for ${family}`);
  }
  // Where both are given and differ, `address` is the other end.
  const address = readInetAddress(family, required(values.local ?? values.address, "address"), "address");
  const peer = values.address === undefined ? address : readInetAddress(family, values.address, "address");
  const name = interfaceName(interfaceIndex);
  const { label } = values;
  return {
    interface: name ?? String(interfaceIndex),
    interfaceIndex,
    prefix: { address, prefixLength },
    ...(sameAddress(peer, address) ? {} : { peer }),
    ...(label === undefined || label === name ? {} : { label }),
    validSeconds: toSeconds(values.lifetime?.validSeconds),
    preferredSeconds: toSeconds(values.lifetime?.preferredSeconds),
    ours: values.protocol === IFA_PROTO_TANDEM,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    dadFailed: (flags & IFA_F_DADFAILED) !== 0,
    // The bit means "temporary" in IPv6.
    secondary: family === "inet" && (flags & IFA_F_SECONDARY) !== 0,
    noPrefixRoute: (flags & IFA_F_NOPREFIXROUTE) !== 0,
    scope: toScope(message.scope),
  };
}

function toSeconds(value: number | undefined): number | "forever" {
  return value === undefined || value === FOREVER ? "forever" : value;
}

/** linux/rtnetlink.h: enum rt_scope_t; smaller is wider, and users may have numbers of their own in between. */
function toScope(scope: number): InterfaceAddress["scope"] {
  if (scope < 200) return "global";
  if (scope < 253) return "site";
  if (scope === 253) return "link";
  return scope === 254 ? "host" : "nowhere";
}
