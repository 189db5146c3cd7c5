/**
 * ARP for IPv4 on Ethernet (RFC 826), and the packets that tandem makes with it:
 *
 * | packet | sender | target | source |
 * | --- | --- | --- | --- |
 * | announcement as request | VIP, our MAC | VIP, zeros | RFC 5227 section 3, RFC 5944 section 4.6 |
 * | announcement as reply | VIP, our MAC | VIP, our MAC | RFC 5944 section 4.6 |
 * | probe | 0.0.0.0, our MAC | VIP, zeros | RFC 5227 section 2.1.1 |
 * | question | our own address, our MAC | VIP, zeros | RFC 826 |
 */
import { DecodeError } from "../../lib/errors.ts";
import { address, addressBytes, addressFromBytes, type IpAddress } from "../../model/address.ts";
import { type MacAddress, macBytes, macFromBytes } from "../../model/mac-address.ts";
import { Reader, Writer } from "../bytes/bytes.ts";
import { ETHERTYPE_IPV4, ZERO_MAC } from "./ethernet-frame.ts";

const ARP_BYTES = 28;
/** IANA, ARP hardware types: Ethernet. */
const HARDWARE_ETHERNET = 1;
const OPERATION_REQUEST = 1;
const OPERATION_REPLY = 2;

const UNSPECIFIED = address("0.0.0.0");

export interface ArpPacket {
  readonly operation: "request" | "reply";
  readonly senderMac: MacAddress;
  readonly senderAddress: IpAddress;
  readonly targetMac: MacAddress;
  readonly targetAddress: IpAddress;
}

function ipv4Bytes(value: IpAddress, field: string): Uint8Array {
  if (value.family !== "inet") throw new RangeError(`arp.${field} must be an IPv4 address, not ${value.text}`);
  return addressBytes(value);
}

/** @throws RangeError when an address is not IPv4. */
export function encodeArp(packet: ArpPacket): Uint8Array {
  const writer = new Writer(ARP_BYTES);
  writer.be16(HARDWARE_ETHERNET); // 0
  writer.be16(ETHERTYPE_IPV4); // 2
  writer.u8(6); // 4: bytes of a hardware address
  writer.u8(4); // 5: bytes of a protocol address
  writer.be16(packet.operation === "request" ? OPERATION_REQUEST : OPERATION_REPLY); // 6
  writer.bytes(macBytes(packet.senderMac)); // 8
  writer.bytes(ipv4Bytes(packet.senderAddress, "sender address")); // 14
  writer.bytes(macBytes(packet.targetMac)); // 18
  writer.bytes(ipv4Bytes(packet.targetAddress, "target address")); // 24
  return writer.written();
}

function expectField(value: number, expected: number, field: string): void {
  if (value !== expected) throw new DecodeError(field, `is ${value}, not ${expected}`);
}

/**
 * Reads an ARP packet; padding after it is skipped.
 * @throws DecodeError when it is cut short, not for IPv4 on Ethernet, or neither request nor reply.
 */
export function decodeArp(bytes: Uint8Array): ArpPacket {
  const reader = new Reader(bytes);
  expectField(reader.be16("arp.hardwareType"), HARDWARE_ETHERNET, "arp.hardwareType");
  expectField(reader.be16("arp.protocolType"), ETHERTYPE_IPV4, "arp.protocolType");
  expectField(reader.u8("arp.hardwareLength"), 6, "arp.hardwareLength");
  expectField(reader.u8("arp.protocolLength"), 4, "arp.protocolLength");
  const operation = reader.be16("arp.operation");
  if (operation !== OPERATION_REQUEST && operation !== OPERATION_REPLY) {
    throw new DecodeError("arp.operation", `is ${operation}, neither request nor reply`);
  }
  return {
    operation: operation === OPERATION_REQUEST ? "request" : "reply",
    senderMac: macFromBytes(reader.bytes(6, "arp.senderMac")),
    senderAddress: addressFromBytes(reader.bytes(4, "arp.senderAddress")),
    targetMac: macFromBytes(reader.bytes(6, "arp.targetMac")),
    targetAddress: addressFromBytes(reader.bytes(4, "arp.targetAddress")),
  };
}

/** "`vip` is at `mac`", as a request: what most neighbours learn from. */
export function announcementRequest(vip: IpAddress, mac: MacAddress): ArpPacket {
  return { operation: "request", senderMac: mac, senderAddress: vip, targetMac: ZERO_MAC, targetAddress: vip };
}

/** "`vip` is at `mac`", as a reply, for the equipment that learns from replies only. */
export function announcementReply(vip: IpAddress, mac: MacAddress): ArpPacket {
  return { operation: "reply", senderMac: mac, senderAddress: vip, targetMac: mac, targetAddress: vip };
}

/** "Who has `target`?" from `from`; without `from` a probe that changes nobody's cache. */
export function arpQuestion(target: IpAddress, mac: MacAddress, from: IpAddress = UNSPECIFIED): ArpPacket {
  return { operation: "request", senderMac: mac, senderAddress: from, targetMac: ZERO_MAC, targetAddress: target };
}

/** Whether the sender asks for an address without having one: RFC 5227's probe. */
export function isArpProbe(packet: ArpPacket): boolean {
  return packet.operation === "request" && packet.senderAddress.text === UNSPECIFIED.text;
}
