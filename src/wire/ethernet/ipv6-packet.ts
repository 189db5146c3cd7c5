/** IPv6 packets (RFC 8200) that carry ICMPv6 (RFC 4443) without extension headers, with the checksum over both. */
import { DecodeError } from "../../lib/errors.ts";
import { addressBytes, addressFromBytes, type IpAddress } from "../../model/address.ts";
import { Reader, Writer } from "../bytes/bytes.ts";
import { internetChecksum, sumWords } from "../bytes/internet-checksum.ts";

const IPV6_HEADER_BYTES = 40;
/** IANA, protocol numbers. */
const NEXT_HEADER_ICMPV6 = 58;
/** In an ICMPv6 message: type, code, checksum. */
const CHECKSUM_OFFSET = 2;
const ICMPV6_HEADER_BYTES = 4;

export interface Icmpv6Packet {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly hopLimit: number;
  /** From the type on. Its checksum is filled in by encoding and was right when it comes from decoding. */
  readonly message: Uint8Array;
}

function ipv6Bytes(value: IpAddress, field: string): Uint8Array {
  if (value.family !== "inet6") throw new RangeError(`the ${field} must be an IPv6 address, not ${value.text}`);
  return addressBytes(value);
}

/** RFC 8200 section 8.1: the sum of both addresses, the length and the next header. */
function pseudoHeaderSum(source: Uint8Array, destination: Uint8Array, length: number): number {
  return sumWords(destination, sumWords(source, length + NEXT_HEADER_ICMPV6));
}

/** @throws RangeError when an address is not IPv6 or a number does not fit. */
export function encodeIcmpv6(packet: Icmpv6Packet): Uint8Array {
  const source = ipv6Bytes(packet.source, "source");
  const destination = ipv6Bytes(packet.destination, "destination");
  const message = packet.message.slice();
  if (message.length < ICMPV6_HEADER_BYTES) throw new RangeError("an ICMPv6 message has at least 4 bytes");
  message.fill(0, CHECKSUM_OFFSET, CHECKSUM_OFFSET + 2);
  const checksum = internetChecksum(message, pseudoHeaderSum(source, destination, message.length));
  new DataView(message.buffer).setUint16(CHECKSUM_OFFSET, checksum);
  const writer = new Writer(IPV6_HEADER_BYTES + message.length);
  writer.be32(0x6000_0000); // 0: version 6, traffic class 0, flow label 0
  writer.be16(message.length); // 4
  writer.u8(NEXT_HEADER_ICMPV6); // 6
  writer.u8(packet.hopLimit); // 7
  writer.bytes(source); // 8
  writer.bytes(destination); // 24
  writer.bytes(message); // 40
  return writer.written();
}

/**
 * Reads an IPv6 packet with an ICMPv6 message; padding after it is skipped.
 * @throws DecodeError when it is something else, cut short, or its checksum is wrong.
 */
export function decodeIcmpv6(bytes: Uint8Array): Icmpv6Packet {
  const reader = new Reader(bytes);
  const version = reader.be32("ipv6.version") >>> 28;
  if (version !== 6) throw new DecodeError("ipv6.version", `is ${version}, not 6`);
  const length = reader.be16("ipv6.payloadLength");
  const nextHeader = reader.u8("ipv6.nextHeader");
  if (nextHeader !== NEXT_HEADER_ICMPV6) throw new DecodeError("ipv6.nextHeader", `is ${nextHeader}, not ICMPv6`);
  const hopLimit = reader.u8("ipv6.hopLimit");
  const source = reader.bytes(16, "ipv6.source");
  const destination = reader.bytes(16, "ipv6.destination");
  const message = reader.bytes(length, "ipv6.payload");
  if (length < ICMPV6_HEADER_BYTES) throw new DecodeError("icmpv6", `has ${length} bytes, fewer than its header`);
  if (internetChecksum(message, pseudoHeaderSum(source, destination, length)) !== 0) {
    throw new DecodeError("icmpv6.checksum", "is wrong");
  }
  return { source: addressFromBytes(source), destination: addressFromBytes(destination), hopLimit, message };
}
