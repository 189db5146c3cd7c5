/**
 * Links (linux/if_link.h). struct ifinfomsg, 16 bytes:
 *   0 u8 family   1 padding   2 u16 type (ARPHRD_*)   4 i32 index   8 u32 flags (IFF_*)   12 u32 mask of changes
 */
import { DecodeError } from "../../lib/errors.ts";
import type { Link } from "../../model/link.ts";
import { macFromBytes } from "../../model/mac-address.ts";
import { Reader, type Writer } from "../bytes/bytes.ts";
import { required } from "../bytes/inet-address.ts";
import { type Attributes, attributes, bytes, cstring, u8, u32 } from "../netlink/netlink-attributes.ts";

/** linux/if.h */
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_LOWER_UP = 0x1_0000;

/** linux/rtnetlink.h: a link's counters are half of its message and nobody reads them here. */
const RTEXT_FILTER_SKIP_STATS = 0x8;

/** linux/if_link.h: enum { IFLA_* } */
const linkAttributes = attributes("IFLA", {
  address: [1, bytes],
  name: [3, cstring],
  mtuBytes: [4, u32],
  extendedMask: [29, u32],
  carrier: [33, u8],
});

export interface LinkMessage {
  /** AF_UNSPEC, or AF_BRIDGE for what a bridge tells of its ports: there, "deleted" means no longer a port. */
  readonly family: number;
  readonly index: number;
  readonly flags: number;
  readonly attributes: Attributes<typeof linkAttributes>;
}

/** A request for all links, or for one by its name or its number. */
export function writeLinkRequest(writer: Writer, wanted?: string | number): void {
  writer.zeros(4);
  writer.i32(typeof wanted === "number" ? wanted : 0);
  writer.zeros(8);
  const name = typeof wanted === "string" ? wanted : undefined;
  linkAttributes.encode(writer, { name, extendedMask: RTEXT_FILTER_SKIP_STATS });
}

/** Reads the payload of RTM_NEWLINK and RTM_DELLINK. @throws DecodeError */
export function readLink(payload: Uint8Array): LinkMessage {
  const reader = new Reader(payload);
  const family = reader.u8("ifi_family");
  reader.skip(1, "ifi_pad");
  reader.u16("ifi_type");
  const index = reader.i32("ifi_index");
  const flags = reader.u32("ifi_flags");
  reader.u32("ifi_change");
  return { family, index, flags, attributes: linkAttributes.decode(reader) };
}

/** @throws DecodeError that names what is missing or makes no sense. */
export function toLink(message: LinkMessage): Link {
  const { index, flags, attributes: values } = message;
  if (index < 1) throw new DecodeError("ifi_index", `${index} is not the number of an interface`);
  const up = (flags & IFF_UP) !== 0;
  return {
    index,
    name: required(values.name, "name"),
    mac: values.address?.length === 6 ? macFromBytes(values.address) : undefined,
    up,
    carrier: up && (values.carrier === undefined ? (flags & IFF_LOWER_UP) !== 0 : values.carrier === 1),
    loopback: (flags & IFF_LOOPBACK) !== 0,
    mtuBytes: values.mtuBytes ?? 0,
  };
}
