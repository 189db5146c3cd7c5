/**
 * The matches and targets of iptables, which nf_tables keeps as they are (`match`, `target`): the layouts of
 * linux/netfilter/x_tables.h and xt_*.h, in the machine's byte order. Those that are not known are no error.
 */
import type { ByteRange, FilterCondition, FilterVerdict, PacketField } from "../../model/packet-filter.ts";
import { Reader } from "../bytes/bytes.ts";

const UNKNOWN: FilterCondition = { kind: "unknown" };

function portBytes(port: number): Uint8Array {
  return Uint8Array.of(port >> 8, port & 0xff);
}

/** Ports of a header, which are in network order there; none where every port fits. */
function portCondition(field: PacketField, from: number, to: number, negated: boolean): FilterCondition[] {
  if (from === 0 && to === 0xffff && !negated) return [];
  const ranges: ByteRange[] = [{ from: portBytes(from), to: portBytes(to) }];
  return [{ kind: "range", part: { field, start: 0, length: 2 }, ranges, negated }];
}

/** IANA's protocol numbers. */
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
/** xt_tcpudp.h: XT_TCP_INV_SRCPT, XT_TCP_INV_DSTPT; UDP's are the same. */
const INVERTED_SOURCE = 1;
const INVERTED_DESTINATION = 2;

function protocolCondition(protocol: number): FilterCondition {
  const value = Uint8Array.of(protocol);
  const part = { field: "protocol", start: 0, length: 1 } as const;
  return { kind: "range", part, ranges: [{ from: value, to: value }], negated: false };
}

/** struct xt_tcp, struct xt_udp: u16 source[2], u16 destination[2], then for TCP option, flags' mask and value; inversions. */
function portMatch(protocol: number, info: Uint8Array): FilterCondition[] {
  const reader = new Reader(info);
  const [sourceFrom, sourceTo] = [reader.u16("spts"), reader.u16("spts")];
  const [destinationFrom, destinationTo] = [reader.u16("dpts"), reader.u16("dpts")];
  let flags: FilterCondition[] = [];
  if (protocol === PROTOCOL_TCP) {
    const hasOption = reader.u8("option") !== 0;
    const hasFlags = reader.u8("flg_mask") !== 0;
    reader.u8("flg_cmp");
    flags = hasOption || hasFlags ? [UNKNOWN] : [];
  }
  const inverted = reader.u8("invflags");
  return [
    protocolCondition(protocol),
    ...portCondition("source-port", sourceFrom, sourceTo, (inverted & INVERTED_SOURCE) !== 0),
    ...portCondition("destination-port", destinationFrom, destinationTo, (inverted & INVERTED_DESTINATION) !== 0),
    ...flags,
  ];
}

/** The bits of xt_conntrack.h that nf_tables has as well: invalid, established, related, new. */
const COMMON_STATES = 0x0f;

function stateCondition(states: number, negated: boolean, isUntrackedTold: boolean): FilterCondition {
  // XT_CONNTRACK_STATE_UNTRACKED is 1 << 8, XT_STATE_UNTRACKED and nf_tables' are 1 << 6.
  const untracked = (states & (isUntrackedTold ? 0x40 : 0x100)) === 0 ? 0 : 0x40;
  const mask = Uint8Array.of((states & COMMON_STATES) | untracked, 0, 0, 0);
  const zero = new Uint8Array(4);
  const part = { field: "conntrack-state", start: 0, length: 4, mask } as const;
  // It fits where a bit of the mask is set: where the masked value is not zero.
  return { kind: "range", part, ranges: [{ from: zero, to: zero }], negated: !negated };
}

/** struct xt_conntrack_mtinfo2 and 3: after 8 addresses with masks, 2 u32, 5 u16. */
const CONNTRACK_FLAGS_OFFSET = 146;
const XT_CONNTRACK_STATE = 1;

function conntrackMatch(revision: number, info: Uint8Array): FilterCondition[] {
  if (revision !== 2 && revision !== 3) return [UNKNOWN];
  const reader = new Reader(info);
  reader.skip(CONNTRACK_FLAGS_OFFSET, "xt_conntrack_mtinfo");
  const flags = reader.u16("match_flags");
  const inverted = reader.u16("invert_flags");
  const states = reader.u16("state_mask");
  const others = (flags & ~XT_CONNTRACK_STATE) === 0 ? [] : [UNKNOWN];
  if ((flags & XT_CONNTRACK_STATE) === 0) return [UNKNOWN];
  return [stateCondition(states, (inverted & XT_CONNTRACK_STATE) !== 0, false), ...others];
}

/** xt_multiport.h: enum xt_multiport_flags, XT_MULTI_PORTS. */
const MULTIPORT_FIELDS: readonly PacketField[] = ["source-port", "destination-port"];
const MULTIPORT_MAX = 15;

/** struct xt_multiport_v1: u8 flags, u8 count, u16 ports[15], u8 pflags[15] (a port that begins a range), u8 invert. */
function multiportMatch(revision: number, info: Uint8Array): FilterCondition[] {
  const reader = new Reader(info);
  const field = MULTIPORT_FIELDS[reader.u8("flags")];
  const count = reader.u8("count");
  if (revision !== 1 || field === undefined || count > MULTIPORT_MAX) return [UNKNOWN];
  const ports = Array.from({ length: MULTIPORT_MAX }, () => reader.u16("ports"));
  const begins = Array.from({ length: MULTIPORT_MAX }, () => reader.u8("pflags") !== 0);
  const negated = reader.u8("invert") !== 0;
  const ranges = ports.slice(0, count).flatMap((port, index): ByteRange[] => {
    if (index > 0 && begins[index - 1] === true) return [];
    const last = begins[index] === true ? (ports[index + 1] ?? port) : port;
    return [{ from: portBytes(port), to: portBytes(last) }];
  });
  return [{ kind: "range", part: { field, start: 0, length: 2 }, ranges, negated }];
}

/** xt_addrtype.h: XT_ADDRTYPE_INVERT_DEST; a type's bit is that of its number among routes (RTN_*). */
const ADDRTYPE_INVERT_DESTINATION = 2;
const ADDRTYPE_BITS = 16;

/** struct xt_addrtype_info_v1: u16 source types, u16 destination types, u32 flags. */
function addressTypeMatch(revision: number, info: Uint8Array): FilterCondition[] {
  const reader = new Reader(info);
  const [source, destination, flags] = [reader.u16("source"), reader.u16("dest"), reader.u32("flags")];
  const isKnown = revision === 1 && source === 0 && (flags & ~ADDRTYPE_INVERT_DESTINATION) === 0;
  if (!isKnown || destination === 0) return [UNKNOWN];
  const types = Array.from({ length: ADDRTYPE_BITS }, (_, type) => type).filter((type) => destination & (1 << type));
  const ranges = types.map((type) => ({ from: Uint8Array.of(type, 0, 0, 0), to: Uint8Array.of(type, 0, 0, 0) }));
  const negated = (flags & ADDRTYPE_INVERT_DESTINATION) !== 0;
  return [{ kind: "range", part: { field: "destination-type", start: 0, length: 4 }, ranges, negated }];
}

const PROTOCOL_ICMPV6 = 58;

/** struct ip6t_icmp: u8 type, u8 code[2], u8 inversion. The type is where other protocols have their ports. */
function icmpv6Match(info: Uint8Array): FilterCondition[] {
  const reader = new Reader(info);
  const type = Uint8Array.of(reader.u8("type"));
  const [codeFrom, codeTo] = [reader.u8("code"), reader.u8("code")];
  if (codeFrom !== 0 || codeTo !== 0xff) return [UNKNOWN];
  const negated = reader.u8("invflags") !== 0;
  const part = { field: "source-port", start: 0, length: 1 } as const;
  return [protocolCondition(PROTOCOL_ICMPV6), { kind: "range", part, ranges: [{ from: type, to: type }], negated }];
}

/** What a match asks of a packet. @throws DecodeError when one that is known is too short. */
export function matchConditions(name: string, revision: number, info: Uint8Array): readonly FilterCondition[] {
  switch (name) {
    case "comment":
      return [];
    case "tcp":
      return portMatch(PROTOCOL_TCP, info);
    case "udp":
      return portMatch(PROTOCOL_UDP, info);
    case "conntrack":
      return conntrackMatch(revision, info);
    case "state":
      return [stateCondition(new Reader(info).u32("statemask"), false, true)];
    case "addrtype":
      return addressTypeMatch(revision, info);
    case "icmp6":
      return icmpv6Match(info);
    case "multiport":
      return multiportMatch(revision, info);
    default:
      return [UNKNOWN];
  }
}

/** Targets after which the next rule comes. */
const GOING_ON: ReadonlySet<string> = new Set([
  ..."AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DSCP ECN HL HMARK IDLETIMER LED LOG MARK NFLOG NOTRACK RATEEST".split(
    " ",
  ),
  ..."SECMARK SET TCPMSS TCPOPTSTRIP TEE TOS TRACE TTL".split(" "),
]);

/** What a target that is no plain verdict does to a packet. */
export function targetVerdict(name: string): FilterVerdict {
  if (name === "REJECT") return { kind: "reject" };
  if (name === "TARPIT" || name === "DROP") return { kind: "drop" };
  return { kind: GOING_ON.has(name) ? "continue" : "unknown" };
}
