/** What a frame on the wire says about who has an address, and the filter that lets only such frames through. */
import { addressBytes, type Family, type IpAddress } from "../../model/address.ts";
import { type MacAddress, macBytes } from "../../model/mac-address.ts";
import type { FilterClause } from "../../sys/sockets/socket-filter.ts";
import { decodeArp, isArpProbe } from "../../wire/ethernet/arp.ts";
import { decodeEthernet, ETHERNET_HEADER_BYTES } from "../../wire/ethernet/ethernet-frame.ts";
import { decodeNdp, UNSPECIFIED_IPV6 } from "../../wire/ethernet/ndp.ts";

export interface OwnerSign {
  readonly address: IpAddress;
  /** Who says so. */
  readonly mac: MacAddress;
  /**
   * `answer`: it has the address and says so to us. `announcement`: it has the address and says so to others or to all.
   * `probe`: it is about to take the address and asks whether anybody has it.
   */
  readonly kind: "answer" | "announcement" | "probe";
}

/**
 * Beyond this many addresses a filter comes near the reach of its jumps (255 instructions), and near the kernel's limit
 * for its memory (net.core.optmem_max, 20 kB before Linux 6.8).
 */
const FILTER_ADDRESSES_MAX = 200;

/** Offsets in a frame: RFC 826. */
const ARP_OPERATION = ETHERNET_HEADER_BYTES + 6;
const ARP_REPLY = 2;
const ARP_SENDER = ETHERNET_HEADER_BYTES + 14;
const ARP_TARGET = ETHERNET_HEADER_BYTES + 24;
/** Offsets in a frame: RFC 8200 section 3, RFC 4861 sections 4.3 and 4.4. */
const NEXT_HEADER = ETHERNET_HEADER_BYTES + 6;
const SOURCE_START = ETHERNET_HEADER_BYTES + 8;
const NDP_TYPE = ETHERNET_HEADER_BYTES + 40;
const NDP_TARGET_END = ETHERNET_HEADER_BYTES + 40 + 20;
const ICMPV6 = 58;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;

/** The last 32 bits of an address: all of an IPv4 one, and enough of an IPv6 one to let few others through. */
function lastWord(address: IpAddress): number {
  const bytes = addressBytes(address);
  return new DataView(bytes.buffer).getUint32(bytes.length - 4);
}

function arpClauses(values: readonly number[]): FilterClause[] {
  return [
    [{ at: ARP_SENDER, bytes: 4, is: "one-of", values }],
    [
      { at: ARP_SENDER, bytes: 4, is: "equal", value: 0 },
      { at: ARP_TARGET, bytes: 4, is: "one-of", values },
    ],
  ];
}

/** One clause for each type of message; absent values: with any target. */
function ndpClauses(values: readonly number[] | undefined): FilterClause[] {
  const icmpv6 = { at: NEXT_HEADER, bytes: 1, is: "equal", value: ICMPV6 } as const;
  const target: FilterClause = values === undefined ? [] : [{ at: NDP_TARGET_END, bytes: 4, is: "one-of", values }];
  return [
    [icmpv6, { at: NDP_TYPE, bytes: 1, is: "equal", value: ADVERTISEMENT }, ...target],
    [
      icmpv6,
      { at: NDP_TYPE, bytes: 1, is: "equal", value: SOLICITATION },
      // From ::, or from one of the few addresses that begin like it.
      { at: SOURCE_START, bytes: 4, is: "equal", value: 0 },
      ...target,
    ],
  ];
}

/**
 * Lets through only answers for these addresses: ARP replies to `own`, the receiving interface's MAC, and neighbour
 * advertisements, since an address that somebody probes for is advertised to all (RFC 4861 section 7.2.4).
 */
export function answerFilter(family: Family, addresses: readonly IpAddress[], own: MacAddress): FilterClause[] {
  if (addresses.length === 0) return [];
  const values = [...new Set(addresses.map(lastWord))];
  if (family === "inet6") return ndpClauses(values).slice(0, 1);
  const mac = new DataView(macBytes(own).slice().buffer);
  return [
    [
      { at: 0, bytes: 4, is: "equal", value: mac.getUint32(0) },
      { at: 4, bytes: 2, is: "equal", value: mac.getUint16(4) },
      { at: ARP_OPERATION, bytes: 2, is: "equal", value: ARP_REPLY },
      { at: ARP_SENDER, bytes: 4, is: "one-of", values },
    ],
  ];
}

/** Lets through what `readOwnerSign` may make something of for these addresses; with very many, all ARP or all of NDP. */
export function addressFilter(family: Family, addresses: readonly IpAddress[]): FilterClause[] {
  const values = [...new Set(addresses.map(lastWord))];
  const tooMany = values.length > FILTER_ADDRESSES_MAX;
  if (values.length === 0) return [];
  if (family === "inet6") return ndpClauses(tooMany ? undefined : values);
  return tooMany ? [[]] : arpClauses(values);
}

/**
 * What a frame says about an address.
 * @param own the receiving interface's MAC, to tell answers from announcements; what it sent itself says nothing
 * @throws DecodeError.
 */
export function readOwnerSign(family: Family, frame: Uint8Array, own: MacAddress): OwnerSign | undefined {
  const ethernet = decodeEthernet(frame);
  if (ethernet.source === own) return undefined;
  const toUs = ethernet.destination === own;
  if (family === "inet") {
    const arp = decodeArp(ethernet.payload);
    if (arp.senderMac === own) return undefined;
    if (isArpProbe(arp)) return { address: arp.targetAddress, mac: arp.senderMac, kind: "probe" };
    const kind = arp.operation === "reply" && toUs ? "answer" : "announcement";
    return { address: arp.senderAddress, mac: arp.senderMac, kind };
  }
  const ndp = decodeNdp(ethernet.payload);
  // The option may be absent in an answer to a unicast question (RFC 4861 section 4.4): Linux leaves it out.
  const mac = ndp.mac ?? ethernet.source;
  if (mac === own) return undefined;
  if (ndp.kind === "advertisement") return { address: ndp.target, mac, kind: toUs ? "answer" : "announcement" };
  return ndp.source.text === UNSPECIFIED_IPV6.text ? { address: ndp.target, mac, kind: "probe" } : undefined;
}
