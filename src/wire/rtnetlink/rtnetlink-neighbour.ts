/**
 * The neighbour tables, ARP and NDP (linux/neighbour.h). struct ndmsg, 12 bytes:
 *   0 u8 family   1 padding   4 i32 interface index   8 u16 state (NUD_*)   10 u8 flags   11 u8 type
 */
import { DecodeError } from "../../lib/errors.ts";
import type { IpAddress } from "../../model/address.ts";
import { type MacAddress, macFromBytes } from "../../model/mac-address.ts";
import { Reader, type Writer } from "../bytes/bytes.ts";
import { AF_INET, AF_INET6, familyOf, readInetAddress, required } from "../bytes/inet-address.ts";
import { type Attributes, attributes, bytes } from "../netlink/netlink-attributes.ts";

/** NUD_*: each state is a bit, and an entry has one of them, or none. */
const STATES = ["incomplete", "reachable", "stale", "delay", "probe", "failed", "noarp", "permanent"] as const;
export type NeighbourState = (typeof STATES)[number] | "none";

/** enum { NDA_* } */
const neighbourAttributes = attributes("NDA", {
  destination: [1, bytes],
  linkAddress: [2, bytes],
});

export interface NeighbourMessage {
  readonly family: number;
  readonly interfaceIndex: number;
  readonly state: number;
  readonly attributes: Attributes<typeof neighbourAttributes>;
}

/** What this machine believes about a neighbour. */
export interface Neighbour {
  readonly address: IpAddress;
  readonly mac: MacAddress;
  readonly interfaceIndex: number;
  readonly state: NeighbourState;
}

/** A request for all neighbours of both families. */
export function writeNeighbourDumpRequest(writer: Writer): void {
  writer.zeros(12);
}

/** Reads the payload of RTM_NEWNEIGH. @throws DecodeError */
export function readNeighbour(payload: Uint8Array): NeighbourMessage {
  const reader = new Reader(payload);
  const family = reader.u8("ndm_family");
  reader.skip(3, "ndm_pad");
  const interfaceIndex = reader.i32("ndm_ifindex");
  const state = reader.u16("ndm_state");
  reader.skip(2, "ndm_flags");
  return { family, interfaceIndex, state, attributes: neighbourAttributes.decode(reader) };
}

/**
 * @returns undefined for an entry that has no Ethernet address (yet), and for the tables of other families.
 * @throws DecodeError that names what is missing or makes no sense.
 */
export function toNeighbour(message: NeighbourMessage): Neighbour | undefined {
  const { linkAddress, destination } = message.attributes;
  if (linkAddress?.length !== 6) return undefined;
  if (message.family !== AF_INET && message.family !== AF_INET6) return undefined;
  if (message.interfaceIndex < 1) throw new DecodeError("ndm_ifindex", `${message.interfaceIndex} is no interface`);
  const bit = STATES.findIndex((_, index) => (message.state & (1 << index)) !== 0);
  return {
    address: readInetAddress(
      familyOf(message.family, "ndm_family"),
      required(destination, "destination"),
      "destination",
    ),
    mac: macFromBytes(linkAddress),
    interfaceIndex: message.interfaceIndex,
    state: STATES[bit] ?? "none",
  };
}
