/** The host's packet filter as the kernel has it, in the form in which it can be judged: nf_tables and iptables alike. */

/** The kernel's families of tables (uapi/linux/netfilter.h, NFPROTO_*), by nft's names; `inet` is IPv4 and IPv6. */
export const FILTER_FAMILIES = ["inet", "ip", "ip6", "arp", "bridge", "netdev"] as const;
export type FilterFamily = (typeof FILTER_FAMILIES)[number];

export const FILTER_HOOKS = ["ingress", "prerouting", "input", "forward", "output", "postrouting"] as const;
export type FilterHook = (typeof FILTER_HOOKS)[number];

/** What of a packet a rule may look at, as far as it is judged here. */
export type PacketField =
  /** One byte: NFPROTO_IPV4 or NFPROTO_IPV6. */
  | "family"
  /** Two bytes, the EtherType. */
  | "ether-type"
  /** One byte, IANA's protocol number. */
  | "protocol"
  | "source"
  | "destination"
  | "source-port"
  | "destination-port"
  /** 16 bytes, padded with zeros. */
  | "in-interface"
  | "out-interface"
  /** Four bytes in the machine's order. */
  | "in-index"
  | "out-index"
  /** Four bytes in the machine's order: one bit of `CONNTRACK_STATE`. */
  | "conntrack-state"
  /** Four bytes in the machine's order: a value of `ADDRESS_TYPE`. */
  | "destination-type";

/** uapi/linux/rtnetlink.h: RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST; what the routes say of an address. */
export const ADDRESS_TYPE = { unicast: 1, local: 2, broadcast: 3, multicast: 5 } as const;

/** uapi/linux/netfilter/nf_conntrack_common.h: NF_CT_STATE_INVALID_BIT, NF_CT_STATE_BIT, NF_CT_STATE_UNTRACKED_BIT. */
export const CONNTRACK_STATE = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;

/** Inclusive; compared byte by byte. */
export interface ByteRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** What a rule takes from the packet before it compares: `length` bytes of a field from `start` on, by bits changed. */
export interface PacketPart {
  readonly field: PacketField;
  readonly start: number;
  readonly length: number;
  readonly mask?: Uint8Array;
  readonly xor?: Uint8Array;
}

export type FilterCondition =
  /** The part lies in one of the ranges, or, negated, in none. */
  | {
      readonly kind: "range";
      readonly part: PacketPart;
      readonly ranges: readonly ByteRange[];
      readonly negated: boolean;
    }
  /** The same with the elements of a set of the table, by its name. */
  | { readonly kind: "set"; readonly part: PacketPart; readonly set: string; readonly negated: boolean }
  /** Something that is not judged here. */
  | { readonly kind: "unknown" };

export type FilterVerdict =
  | { readonly kind: "accept" | "drop" | "reject" | "return" | "continue" | "unknown" }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  /** A verdict map: what the element says in whose range the part lies. */
  | { readonly kind: "map"; readonly part: PacketPart | undefined; readonly set: string };

export interface FilterRule {
  /** nf_tables' handle, or the place in the chain, from 1 on, where there are no handles. */
  readonly number: number;
  /** The rule fits a packet for which all of them are true. */
  readonly conditions: readonly FilterCondition[];
  readonly verdict: FilterVerdict;
}

export interface BaseHook {
  readonly hook: FilterHook;
  /** `filter`, `nat` or `route`. */
  readonly type: string;
  readonly policy: "accept" | "drop";
  /** Ingress only: the interfaces. */
  readonly devices: readonly string[];
}

export interface FilterChain {
  readonly name: string;
  /** Absent: packets come here from other chains only. */
  readonly base?: BaseHook;
  readonly rules: readonly FilterRule[];
}

export interface SetElement extends ByteRange {
  /** Verdict maps have one for each element. */
  readonly verdict?: FilterVerdict;
}

export interface FilterTable {
  /** Which of the kernel's two filters has it. */
  readonly source: "nf_tables" | "iptables";
  readonly family: FilterFamily;
  readonly name: string;
  readonly chains: readonly FilterChain[];
  /** By name; a set that could not be read is not in there. */
  readonly sets: ReadonlyMap<string, readonly SetElement[]>;
}
