/** Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements, the counterpart of ARP. */
import { DecodeError } from "../../lib/errors.ts";
import { address, addressBytes, addressFromBytes, type IpAddress } from "../../model/address.ts";
import { type MacAddress, macBytes, macFromBytes } from "../../model/mac-address.ts";
import { Reader, Writer } from "../bytes/bytes.ts";
import { decodeIcmpv6, encodeIcmpv6 } from "./ipv6-packet.ts";

/** RFC 4861 sections 4.3 and 4.4. */
const TYPE_SOLICITATION = 135;
const TYPE_ADVERTISEMENT = 136;
/** RFC 4861 section 4.6.1. */
const OPTION_SOURCE_MAC = 1;
const OPTION_TARGET_MAC = 2;
/** Options count their length in units of 8 bytes. */
const OPTION_UNIT_BYTES = 8;
/** RFC 4861 section 7.1: any less, and the packet was forwarded by a router, so it is not from a neighbour. */
const HOP_LIMIT = 255;
const FLAG_ROUTER = 0x80;
const FLAG_SOLICITED = 0x40;
const FLAG_OVERRIDE = 0x20;
const MESSAGE_BYTES = 24;

export const UNSPECIFIED_IPV6 = address("::");
/** RFC 4291 section 2.7.1. */
export const ALL_NODES = address("ff02::1");

export interface NeighbourSolicitation {
  readonly kind: "solicitation";
  /** `::` while the sender has no address yet (duplicate address detection). */
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly target: IpAddress;
  /** The source link-layer address option; never with the source `::`. */
  readonly mac?: MacAddress;
}

export interface NeighbourAdvertisement {
  readonly kind: "advertisement";
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly target: IpAddress;
  /** The target link-layer address option; may be absent in an answer to a unicast solicitation. */
  readonly mac?: MacAddress;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
}

export type NdpPacket = NeighbourSolicitation | NeighbourAdvertisement;

/** The IPv6 packet of a solicitation or advertisement, checksum included. @throws RangeError when an address is not IPv6. */
export function encodeNdp(packet: NdpPacket): Uint8Array {
  if (packet.target.family !== "inet6") throw new RangeError(`${packet.target.text} is not an IPv6 address`);
  const solicitation = packet.kind === "solicitation";
  const writer = new Writer(MESSAGE_BYTES + OPTION_UNIT_BYTES);
  writer.u8(solicitation ? TYPE_SOLICITATION : TYPE_ADVERTISEMENT); // 0
  writer.u8(0); // 1: code
  writer.be16(0); // 2: checksum, filled in below
  writer.u8(packet.kind === "solicitation" ? 0 : advertisementFlags(packet)); // 4
  writer.zeros(3); // 5: reserved
  writer.bytes(addressBytes(packet.target)); // 8
  if (packet.mac !== undefined) {
    writer.u8(solicitation ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC); // 24
    writer.u8(1); // 25: length in units
    writer.bytes(macBytes(packet.mac)); // 26
  }
  return encodeIcmpv6({ ...packet, hopLimit: HOP_LIMIT, message: writer.written() });
}

function advertisementFlags(packet: NeighbourAdvertisement): number {
  return (
    (packet.router ? FLAG_ROUTER : 0) | (packet.solicited ? FLAG_SOLICITED : 0) | (packet.override ? FLAG_OVERRIDE : 0)
  );
}

/** Reads the options up to the end. @returns the link-layer address in the option of type `wanted`, where it is there. */
function readMacOption(reader: Reader, wanted: number): MacAddress | undefined {
  let mac: MacAddress | undefined;
  while (reader.remaining > 0) {
    const type = reader.u8("ndp.option.type");
    const units = reader.u8("ndp.option.length");
    // RFC 4861 section 4.6: packets with an option of length 0 are discarded.
    if (units === 0) throw new DecodeError("ndp.option.length", "is 0");
    const value = reader.bytes(units * OPTION_UNIT_BYTES - 2, "ndp.option");
    if (type === wanted && units === 1) mac ??= macFromBytes(value);
  }
  return mac;
}

/**
 * Reads an IPv6 packet with a neighbour solicitation or advertisement and checks it as RFC 4861 section 7.1 demands.
 * Options other than the link-layer address are skipped.
 * @throws DecodeError.
 */
export function decodeNdp(bytes: Uint8Array): NdpPacket {
  const { source, destination, hopLimit, message } = decodeIcmpv6(bytes);
  if (hopLimit !== HOP_LIMIT) throw new DecodeError("ndp.hopLimit", `is ${hopLimit}, not ${HOP_LIMIT}`);
  const reader = new Reader(message);
  const type = reader.u8("ndp.type");
  if (type !== TYPE_SOLICITATION && type !== TYPE_ADVERTISEMENT) {
    throw new DecodeError("ndp.type", `is ${type}, neither solicitation nor advertisement`);
  }
  const code = reader.u8("ndp.code");
  if (code !== 0) throw new DecodeError("ndp.code", `is ${code}, not 0`);
  reader.skip(2, "ndp.checksum");
  const flags = reader.u8("ndp.flags");
  reader.skip(3, "ndp.reserved");
  const target = addressFromBytes(reader.bytes(16, "ndp.target"));
  if (isMulticastIpv6(target)) throw new DecodeError("ndp.target", `${target.text} is a multicast address`);
  const mac = readMacOption(reader, type === TYPE_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC);
  const common = { source, destination, target, ...(mac === undefined ? {} : { mac }) };
  if (type === TYPE_SOLICITATION) {
    if (source.text === UNSPECIFIED_IPV6.text && mac !== undefined) {
      throw new DecodeError("ndp.option", "a solicitation from :: has a link-layer address");
    }
    return { kind: "solicitation", ...common };
  }
  const [router, solicited, override] = [flags & FLAG_ROUTER, flags & FLAG_SOLICITED, flags & FLAG_OVERRIDE];
  if (solicited !== 0 && isMulticastIpv6(destination)) {
    throw new DecodeError("ndp.flags", "a solicited advertisement went to a multicast address");
  }
  return {
    kind: "advertisement",
    ...common,
    router: router !== 0,
    solicited: solicited !== 0,
    override: override !== 0,
  };
}

/** Whether an IPv6 address is in ff00::/8. */
function isMulticastIpv6(value: IpAddress): boolean {
  return value.family === "inet6" && addressBytes(value)[0] === 0xff;
}

/** RFC 4291 section 2.7.1: ff02::1:ff00:0/104 with the last 24 bits of the address. */
export function solicitedNodeAddress(target: IpAddress): IpAddress {
  const bytes = addressBytes(address("ff02::1:ff00:0"));
  bytes.set(addressBytes(target).subarray(13), 13);
  return addressFromBytes(bytes);
}

/** RFC 2464 section 7: 33:33 and the last four bytes of a multicast address. */
export function multicastMac(group: IpAddress): MacAddress {
  return macFromBytes(Uint8Array.from([0x33, 0x33, ...addressBytes(group).subarray(12)]));
}

/** "`vip` is at `mac`", unasked, to all nodes or to one neighbour; it replaces what they had (RFC 4861 section 7.2.6). */
export function unsolicitedAdvertisement(
  vip: IpAddress,
  mac: MacAddress,
  router: boolean,
  destination: IpAddress = ALL_NODES,
): NeighbourAdvertisement {
  return {
    kind: "advertisement",
    source: vip,
    destination,
    target: vip,
    mac,
    router,
    solicited: false,
    override: true,
  };
}
