/** ICMP echo (RFC 792) and ICMPv6 echo (RFC 4443), as raw sockets send and receive them. */
import { DecodeError } from "../../lib/errors.ts";
import { addressFromBytes, type Family, type IpAddress } from "../../model/address.ts";
import { Reader, Writer } from "../bytes/bytes.ts";
import { internetChecksum } from "../bytes/internet-checksum.ts";

const ECHO_TYPES = {
  inet: { request: 8, reply: 0 },
  inet6: { request: 128, reply: 129 },
} as const satisfies Record<Family, Record<"request" | "reply", number>>;

const ECHO_HEADER_BYTES = 8;
const IPV4_HEADER_MIN_BYTES = 20;
/** IANA, protocol numbers. */
const PROTOCOL_ICMP = 1;

export interface IcmpEcho {
  readonly kind: "request" | "reply";
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** The message. For IPv6 the checksum is 0: there the kernel fills it in, because it depends on the addresses. */
export function encodeEcho(family: Family, echo: IcmpEcho): Uint8Array {
  const writer = new Writer(ECHO_HEADER_BYTES + echo.payload.length);
  writer.u8(ECHO_TYPES[family][echo.kind]); // 0
  writer.u8(0); // 1: code
  writer.be16(0); // 2: checksum
  writer.be16(echo.identifier); // 4
  writer.be16(echo.sequence); // 6
  writer.bytes(echo.payload); // 8
  if (family === "inet") writer.patchBe16(2, internetChecksum(writer.written()));
  return writer.written();
}

/**
 * Reads an echo message. The checksum of ICMPv6 is not looked at: the kernel has refused wrong ones.
 * @throws DecodeError when it is no echo, cut short, or (IPv4) its checksum is wrong.
 */
export function decodeEcho(family: Family, bytes: Uint8Array): IcmpEcho {
  const reader = new Reader(bytes);
  const type = reader.u8("icmp.type");
  const types = ECHO_TYPES[family];
  if (type !== types.request && type !== types.reply) throw new DecodeError("icmp.type", `is ${type}, not an echo`);
  const code = reader.u8("icmp.code");
  if (code !== 0) throw new DecodeError("icmp.code", `is ${code}, not 0`);
  reader.skip(2, "icmp.checksum");
  if (family === "inet" && internetChecksum(bytes) !== 0) throw new DecodeError("icmp.checksum", "is wrong");
  return {
    kind: type === types.request ? "request" : "reply",
    identifier: reader.be16("icmp.identifier"),
    sequence: reader.be16("icmp.sequence"),
    payload: reader.rest(),
  };
}

/** An echo message with the addresses of the IPv4 header that a raw socket delivers before it. */
export interface Ipv4Echo {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Each router on the way takes one off. */
  readonly timeToLive: number;
  readonly echo: IcmpEcho;
}

/**
 * Reads what a raw ICMP socket for IPv4 receives: the IP header, then the message.
 * @throws DecodeError.
 */
export function decodeIpv4Echo(bytes: Uint8Array): Ipv4Echo {
  const reader = new Reader(bytes);
  const versionAndLength = reader.u8("ipv4.version");
  if (versionAndLength >> 4 !== 4) throw new DecodeError("ipv4.version", `is ${versionAndLength >> 4}, not 4`);
  const headerLength = (versionAndLength & 0x0f) * 4;
  if (headerLength < IPV4_HEADER_MIN_BYTES) throw new DecodeError("ipv4.headerLength", `is ${headerLength}`);
  // Service, length, identification and fragment: 1 + 2 + 2 + 2 bytes.
  reader.skip(7, "ipv4");
  const timeToLive = reader.u8("ipv4.timeToLive");
  const protocol = reader.u8("ipv4.protocol");
  if (protocol !== PROTOCOL_ICMP) throw new DecodeError("ipv4.protocol", `is ${protocol}, not ICMP`);
  reader.skip(2, "ipv4.checksum");
  const source = addressFromBytes(reader.bytes(4, "ipv4.source"));
  const destination = addressFromBytes(reader.bytes(4, "ipv4.destination"));
  reader.skip(headerLength - IPV4_HEADER_MIN_BYTES, "ipv4.options");
  return { source, destination, timeToLive, echo: decodeEcho("inet", reader.rest()) };
}
