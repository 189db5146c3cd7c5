/** Whole frames of ARP and neighbour discovery: what is asked and announced, for either family. */
import type { IpAddress } from "../../model/address.ts";
import type { MacAddress } from "../../model/mac-address.ts";
import {
  type ArpPacket,
  announcementReply,
  announcementRequest,
  arpQuestion,
  encodeArp,
} from "../../wire/ethernet/arp.ts";
import { BROADCAST_MAC, ETHERTYPE_ARP, ETHERTYPE_IPV6, encodeEthernet } from "../../wire/ethernet/ethernet-frame.ts";
import {
  ALL_NODES,
  encodeNdp,
  multicastMac,
  type NdpPacket,
  solicitedNodeAddress,
  UNSPECIFIED_IPV6,
  unsolicitedAdvertisement,
} from "../../wire/ethernet/ndp.ts";
import type { EthernetLink } from "./ethernet-link.ts";

/** A neighbour with its MAC address, told by unicast. */
export interface Neighbour {
  readonly address: IpAddress;
  readonly mac: MacAddress;
}

function arpFrame(packet: ArpPacket, destination: MacAddress, link: EthernetLink): Uint8Array {
  return encodeEthernet({ destination, source: link.mac, etherType: ETHERTYPE_ARP, payload: encodeArp(packet) });
}

function ndpFrame(packet: NdpPacket, destination: MacAddress, link: EthernetLink): Uint8Array {
  return encodeEthernet({ destination, source: link.mac, etherType: ETHERTYPE_IPV6, payload: encodeNdp(packet) });
}

/** "`target` is at `link`", to everybody. For IPv6 there is one form, an unsolicited advertisement. */
export function announcementFrames(
  vip: IpAddress,
  link: EthernetLink,
  form: "request" | "reply" | "both",
  router: boolean,
): Uint8Array[] {
  if (vip.family === "inet6") {
    return [ndpFrame(unsolicitedAdvertisement(vip, link.mac, router), multicastMac(ALL_NODES), link)];
  }
  const request = arpFrame(announcementRequest(vip, link.mac), BROADCAST_MAC, link);
  const reply = arpFrame(announcementReply(vip, link.mac), BROADCAST_MAC, link);
  return form === "both" ? [request, reply] : [form === "request" ? request : reply];
}

/**
 * The same to one neighbour. For IPv4 it is a reply to a question that was not asked: such a reply, sent to the
 * neighbour's own MAC, makes its entry reachable again (net/ipv4/arp.c), which no broadcast does. It is sent in two
 * forms. A gratuitous one, since Linux ignores any other for a second after the entry's last change (locktime,
 * arp(7)), and a switch may drop the broadcasts. And one addressed to the neighbour, for those that listen to nothing
 * else.
 */
export function announcementsTo(
  vip: IpAddress,
  link: EthernetLink,
  neighbour: Neighbour,
  router: boolean,
): Uint8Array[] {
  if (vip.family === "inet6") {
    return [ndpFrame(unsolicitedAdvertisement(vip, link.mac, router, neighbour.address), neighbour.mac, link)];
  }
  const addressed: ArpPacket = {
    operation: "reply",
    senderMac: link.mac,
    senderAddress: vip,
    targetMac: neighbour.mac,
    targetAddress: neighbour.address,
  };
  return [announcementReply(vip, link.mac), addressed].map((packet) => arpFrame(packet, neighbour.mac, link));
}

/**
 * "Who has `target`?"
 * @param from the own address that asks; absent: a probe that changes no cache (RFC 5227, RFC 4862)
 * @param mac whom to ask; absent: everybody
 */
export function questionFrame(
  target: IpAddress,
  link: EthernetLink,
  from: IpAddress | undefined,
  mac: MacAddress | undefined,
): Uint8Array {
  if (target.family === "inet") return arpFrame(arpQuestion(target, link.mac, from), mac ?? BROADCAST_MAC, link);
  const group = solicitedNodeAddress(target);
  // RFC 4861 section 7.1.1: without an own address it must go to the group, wherever the frame goes.
  const destination = mac === undefined || from === undefined ? group : target;
  const source = from ?? UNSPECIFIED_IPV6;
  const question: NdpPacket = {
    kind: "solicitation",
    source,
    destination,
    target,
    ...(from === undefined ? {} : { mac: link.mac }),
  };
  return ndpFrame(question, mac ?? multicastMac(group), link);
}
