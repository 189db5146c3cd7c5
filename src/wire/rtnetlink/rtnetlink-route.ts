/**
 * Routes (linux/rtnetlink.h). struct rtmsg, 12 bytes:
 *   0 u8 family   1 u8 destination's prefix length   2 u8 source's prefix length   3 u8 tos
 *   4 u8 table   5 u8 protocol   6 u8 scope   7 u8 type (RTN_*)   8 u32 flags
 */
import { DecodeError } from "../../lib/errors.ts";
import { addressBits, addressBytes, type IpAddress } from "../../model/address.ts";
import { Reader, type Writer } from "../bytes/bytes.ts";
import { familyNumber, familyOf, readInetAddress } from "../bytes/inet-address.ts";
import { type Attributes, type AttributeType, attributes, bytes, u32 } from "../netlink/netlink-attributes.ts";

/** A usual route to other machines; local, broadcast and blackhole routes have other types. */
export const RTN_UNICAST = 1;
/** enum rt_class_t: the tables that packets without a rule of their own are looked up in (ip-rule(8)). */
const ORDINARY_TABLES: ReadonlySet<number> = new Set([253, 254]);
/** rtm_flags: its interface is down, the kernel does not use it (RTNH_F_DEAD). */
const RTNH_F_DEAD = 1;

/** struct rtnexthop is 8 bytes: 0 u16 length   2 u8 flags   3 u8 weight less one   4 i32 interface index */
const NEXT_HOP_HEADER_BYTES = 8;
const RTA_ALIGNMENT_BYTES = 4;

const nextHopAttributes = attributes("RTA", { gateway: [5, bytes] });

/** One of several ways of a route. */
export interface NextHopAttributes {
  readonly interfaceIndex: number;
  readonly gateway?: Uint8Array | undefined;
}

const nextHops: AttributeType<readonly NextHopAttributes[]> = {
  name: "rtnexthop",
  nested: false,
  encode(writer, hops) {
    for (const hop of hops) {
      const start = writer.position;
      writer.u16(0);
      writer.u16(0);
      writer.i32(hop.interfaceIndex);
      nextHopAttributes.encode(writer, { gateway: hop.gateway });
      writer.patchU16(start, writer.position - start);
    }
  },
  decode(reader) {
    const hops: NextHopAttributes[] = [];
    while (reader.remaining > 0) {
      const length = reader.u16("rtnh_len");
      reader.skip(2, "rtnh_flags");
      const interfaceIndex = reader.i32("rtnh_ifindex");
      if (length < NEXT_HOP_HEADER_BYTES) throw new DecodeError("rtnh_len", `a hop cannot be ${length} bytes long`);
      const outerEnd = reader.enter(length - NEXT_HOP_HEADER_BYTES, "rtnh_len");
      const { gateway } = nextHopAttributes.decode(reader);
      reader.leave(outerEnd);
      hops.push({ interfaceIndex, gateway });
      reader.skip(Math.min(-length & (RTA_ALIGNMENT_BYTES - 1), reader.remaining));
    }
    return hops;
  },
};

/** enum rtattr_type_t */
const routeAttributes = attributes("RTA", {
  destination: [1, bytes],
  outputInterface: [4, u32],
  gateway: [5, bytes],
  priority: [6, u32],
  preferredSource: [7, bytes],
  nextHops: [9, nextHops],
  table: [15, u32],
});

export interface RouteMessage {
  readonly family: number;
  readonly destinationPrefixLength: number;
  readonly table: number;
  readonly type: number;
  readonly flags: number;
  readonly attributes: Attributes<typeof routeAttributes>;
}

/** A request for all routes of all families. */
export function writeRouteDumpRequest(writer: Writer): void {
  writer.zeros(12);
}

/** A request for the route that a packet to `destination` would take now. */
export function writeRouteLookup(writer: Writer, destination: IpAddress): void {
  writer.u8(familyNumber(destination.family));
  writer.u8(addressBits(destination.family));
  writer.zeros(10);
  routeAttributes.encode(writer, { destination: addressBytes(destination) });
}

/** Reads the payload of RTM_NEWROUTE. @throws DecodeError */
export function readRoute(payload: Uint8Array): RouteMessage {
  const reader = new Reader(payload);
  const family = reader.u8("rtm_family");
  const destinationPrefixLength = reader.u8("rtm_dst_len");
  reader.skip(2, "rtm_src_len");
  const headerTable = reader.u8("rtm_table");
  reader.skip(2, "rtm_protocol");
  const type = reader.u8("rtm_type");
  const flags = reader.u32("rtm_flags");
  const values = routeAttributes.decode(reader);
  return { family, destinationPrefixLength, table: values.table ?? headerTable, type, flags, attributes: values };
}

/** Whether packets without a rule of their own follow it where no other route leads. */
export function isDefaultRoute({ destinationPrefixLength, table, type, flags }: RouteMessage): boolean {
  return (
    destinationPrefixLength === 0 && type === RTN_UNICAST && ORDINARY_TABLES.has(table) && (flags & RTNH_F_DEAD) === 0
  );
}

/** A neighbour router and the interface behind which it is. */
export interface Gateway {
  readonly gateway: IpAddress;
  readonly interfaceIndex: number;
}

/** The gateways of a route: none where it is on the link itself, several where it has several ways. @throws DecodeError */
export function toGateways(message: RouteMessage): Gateway[] {
  const { outputInterface, gateway, nextHops: hops } = message.attributes;
  const ways: NextHopAttributes[] = [...(hops ?? [])];
  if (outputInterface !== undefined) ways.push({ interfaceIndex: outputInterface, gateway });
  return ways.flatMap((way) =>
    way.gateway === undefined
      ? []
      : [{ gateway: toRouteAddress(message, way.gateway, "gateway"), interfaceIndex: way.interfaceIndex }],
  );
}

/** An address in a route's family. @throws DecodeError */
export function toRouteAddress(message: RouteMessage, address: Uint8Array, field: string): IpAddress {
  return readInetAddress(familyOf(message.family, "rtm_family"), address, field);
}
