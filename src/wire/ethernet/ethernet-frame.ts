/** Ethernet II frames, as a raw packet socket sends and receives them: without preamble and frame check sequence. */
import { type MacAddress, macBytes, macFromBytes } from "../../model/mac-address.ts";
import { Reader, Writer } from "../bytes/bytes.ts";

/** IEEE 802 numbers, as in linux/if_ether.h. */
export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

export const ETHERNET_HEADER_BYTES = 14;

/** The largest payload of a frame without jumbo frames (IEEE 802.3); ours are far smaller. */
const PAYLOAD_MAX_BYTES = 1500;

export const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff" as MacAddress;
export const ZERO_MAC = "00:00:00:00:00:00" as MacAddress;

export interface EthernetFrame {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly etherType: number;
  /** On decoding: with the padding that short frames get on their way (to 46 bytes). */
  readonly payload: Uint8Array;
}

/** @throws RangeError when the payload is longer than 1500 bytes. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  if (frame.payload.length > PAYLOAD_MAX_BYTES) {
    throw new RangeError(`an Ethernet frame carries at most ${PAYLOAD_MAX_BYTES} bytes, not ${frame.payload.length}`);
  }
  const writer = new Writer(ETHERNET_HEADER_BYTES + frame.payload.length);
  writer.bytes(macBytes(frame.destination)); // 0
  writer.bytes(macBytes(frame.source)); // 6
  writer.be16(frame.etherType); // 12
  writer.bytes(frame.payload); // 14
  return writer.written();
}

/** @throws DecodeError when the frame is shorter than its header. */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame {
  const reader = new Reader(bytes);
  return {
    destination: macFromBytes(reader.bytes(6, "ethernet.destination")),
    source: macFromBytes(reader.bytes(6, "ethernet.source")),
    etherType: reader.be16("ethernet.type"),
    payload: reader.rest(),
  };
}
