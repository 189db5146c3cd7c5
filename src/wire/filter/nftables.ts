/**
 * nf_tables over netlink (linux/netfilter/nf_tables.h, nfnetlink.h): tables, chains and sets; rules are in
 * nftables-rule.ts. Numbers in attributes are in network order.
 *
 * struct nfgenmsg, 4 bytes: 0 u8 family (NFPROTO_*)   1 u8 version   2 be16 resource
 */
import type { BaseHook, FilterFamily, FilterHook, FilterVerdict, SetElement } from "../../model/packet-filter.ts";
import { Reader, type Writer } from "../bytes/bytes.ts";
import { type Attributes, attributeList, attributes, be32, bytes, cstring } from "../netlink/netlink-attributes.ts";

/** linux/netfilter/nfnetlink.h: the subsystem is the upper byte of the message's type. */
const NFNL_SUBSYS_NFTABLES = 10 << 8;
/** enum nf_tables_msg_types */
export const NFT_MSG = {
  getChain: NFNL_SUBSYS_NFTABLES | 4,
  newChain: NFNL_SUBSYS_NFTABLES | 3,
  getRule: NFNL_SUBSYS_NFTABLES | 7,
  newRule: NFNL_SUBSYS_NFTABLES | 6,
  getSetElement: NFNL_SUBSYS_NFTABLES | 13,
  newSetElement: NFNL_SUBSYS_NFTABLES | 12,
} as const;

/** linux/netfilter.h: NFPROTO_* */
const FAMILY_NAMES: Readonly<Record<number, FilterFamily>> = {
  1: "inet",
  2: "ip",
  3: "arp",
  5: "netdev",
  7: "bridge",
  10: "ip6",
};
const FAMILY_NUMBERS = Object.fromEntries(Object.entries(FAMILY_NAMES).map(([number, name]) => [name, Number(number)]));

/** linux/netfilter.h: enum nf_inet_hooks, which bridge has with the same numbers; inet's ingress is 5. */
const INET_HOOKS: readonly FilterHook[] = ["prerouting", "input", "forward", "output", "postrouting", "ingress"];
/** linux/netfilter_arp.h: NF_ARP_IN, NF_ARP_OUT, NF_ARP_FORWARD. */
const ARP_HOOKS: readonly FilterHook[] = ["input", "output", "forward"];
/** linux/netfilter.h: enum nf_dev_hooks; egress is nobody's business here. */
const NETDEV_HOOKS: readonly FilterHook[] = ["ingress"];

/** linux/netfilter.h: NF_DROP. */
const NF_DROP = 0;

/** A request for all of that kind, of all families, or for what the attributes name. */
export function writeFilterRequest(writer: Writer, family: FilterFamily | undefined = undefined): void {
  writer.u8(family === undefined ? 0 : (FAMILY_NUMBERS[family] ?? 0));
  writer.zeros(3);
}

const hookAttributes = attributes("NFTA_HOOK", {
  number: [1, be32],
  device: [3, cstring],
  devices: [4, attributeList("NFTA_HOOK_DEVS", 1, cstring)],
});

const chainAttributes = attributes("NFTA_CHAIN", {
  table: [1, cstring],
  name: [3, cstring],
  hook: [4, hookAttributes],
  policy: [5, be32],
  type: [7, cstring],
});

/** Reads the header. @throws DecodeError */
export function readFilterFamily(reader: Reader): FilterFamily | undefined {
  const family = FAMILY_NAMES[reader.u8("nfgen_family")];
  reader.skip(3, "nfgenmsg");
  return family;
}

/** A chain without its rules. */
export interface ChainHead {
  readonly family: FilterFamily;
  readonly table: string;
  readonly name: string;
  readonly base?: BaseHook;
}

function toBase(family: FilterFamily, chain: Attributes<typeof chainAttributes>): BaseHook | undefined {
  const { hook, policy, type } = chain;
  if (hook?.number === undefined) return undefined;
  const hooks = family === "arp" ? ARP_HOOKS : family === "netdev" ? NETDEV_HOOKS : INET_HOOKS;
  const name = hooks[hook.number];
  if (name === undefined) return undefined;
  return {
    hook: name,
    type: type ?? "filter",
    policy: policy === NF_DROP ? "drop" : "accept",
    // Newer kernels name a single one in both ways.
    devices: [...new Set([...(hook.devices ?? []), ...(hook.device === undefined ? [] : [hook.device])])],
  };
}

/** Reads the payload of NFT_MSG_NEWCHAIN; undefined: of a family that is not known. @throws DecodeError */
export function readChain(payload: Uint8Array): ChainHead | undefined {
  const reader = new Reader(payload);
  const family = readFilterFamily(reader);
  const values = chainAttributes.decode(reader);
  if (family === undefined || values.table === undefined || values.name === undefined) return undefined;
  const base = toBase(family, values);
  return { family, table: values.table, name: values.name, ...(base === undefined ? {} : { base }) };
}

const verdictAttributes = attributes("NFTA_VERDICT", { code: [1, be32], chain: [2, cstring] });
/** Bytes, or a verdict. */
export const dataAttributes = attributes("NFTA_DATA", { value: [1, bytes], verdict: [2, verdictAttributes] });

/** enum nft_verdicts, linux/netfilter.h: NF_ACCEPT. */
const NF_ACCEPT = 1;
const NFT_CONTINUE = -1;
const NFT_BREAK = -2;
const NFT_JUMP = -3;
const NFT_GOTO = -4;
const NFT_RETURN = -5;

/** What a verdict's number means. Queues and what is not known are for others to decide. */
export function toVerdict({ code, chain }: Attributes<typeof verdictAttributes>): FilterVerdict {
  // A signed number, sent as the unsigned one of the same bits.
  switch (code === undefined ? undefined : code | 0) {
    case NF_DROP:
      return { kind: "drop" };
    case NF_ACCEPT:
      return { kind: "accept" };
    case NFT_CONTINUE:
    case NFT_BREAK:
      return { kind: "continue" };
    case NFT_RETURN:
      return { kind: "return" };
    case NFT_JUMP:
      return { kind: "jump", chain: chain ?? "" };
    case NFT_GOTO:
      return { kind: "goto", chain: chain ?? "" };
    default:
      return { kind: "unknown" };
  }
}

const elementAttributes = attributes("NFTA_SET_ELEM", {
  key: [1, dataAttributes],
  data: [2, dataAttributes],
  flags: [3, be32],
  keyEnd: [10, dataAttributes],
});
const elementListAttributes = attributes("NFTA_SET_ELEM_LIST", {
  table: [1, cstring],
  set: [2, cstring],
  elements: [3, attributeList("NFTA_LIST", 1, elementAttributes)],
});

/** enum nft_set_elem_flags */
const NFT_SET_ELEM_INTERVAL_END = 1;
const NFT_SET_ELEM_CATCHALL = 2;

/** Asks for the elements of a set. */
export function writeElementRequest(writer: Writer, family: FilterFamily, table: string, set: string): void {
  writeFilterRequest(writer, family);
  elementListAttributes.encode(writer, { table, set });
}

/** One element as the kernel has it: a key, or one of the two ends of an interval. */
export interface RawElement {
  readonly key: Uint8Array | undefined;
  readonly keyEnd: Uint8Array | undefined;
  readonly isIntervalEnd: boolean;
  readonly isCatchAll: boolean;
  readonly verdict: FilterVerdict | undefined;
}

/** Reads the payload of NFT_MSG_NEWSETELEM: a piece of a set's elements. @throws DecodeError */
export function readElements(payload: Uint8Array): readonly RawElement[] {
  const reader = new Reader(payload);
  readFilterFamily(reader);
  return (elementListAttributes.decode(reader).elements ?? []).map(({ key, data, flags = 0, keyEnd }) => ({
    key: key?.value,
    keyEnd: keyEnd?.value,
    isIntervalEnd: (flags & NFT_SET_ELEM_INTERVAL_END) !== 0,
    isCatchAll: (flags & NFT_SET_ELEM_CATCHALL) !== 0,
    verdict: data?.verdict === undefined ? undefined : toVerdict(data.verdict),
  }));
}

function compareKeys(a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? -1) - (b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The number before, of as many bytes; the end of an interval is the first key outside. */
function keyBefore(key: Uint8Array): Uint8Array {
  const before = key.slice();
  for (let index = before.length - 1; index >= 0; index -= 1) {
    const byte = before[index] ?? 0;
    before[index] = (byte + 0xff) & 0xff;
    if (byte !== 0) break;
  }
  return before;
}

function elementOf(from: Uint8Array, to: Uint8Array, verdict: FilterVerdict | undefined): SetElement {
  return verdict === undefined ? { from, to } : { from, to, verdict };
}

/** Elements as ranges; undefined where they are of a kind that is not judged here. */
export function toSetElements(raw: readonly RawElement[]): readonly SetElement[] | undefined {
  const isOdd = ({ key, keyEnd, isCatchAll }: RawElement) => key === undefined || keyEnd !== undefined || isCatchAll;
  if (raw.some(isOdd)) return undefined;
  const keyed = raw.flatMap((element) => (element.key === undefined ? [] : [{ ...element, key: element.key }]));
  if (!keyed.some(({ isIntervalEnd }) => isIntervalEnd)) {
    return keyed.map(({ key, verdict }) => elementOf(key, key, verdict));
  }
  // Where one interval ends and the next begins, the end comes first.
  const sorted = keyed.toSorted(
    (a, b) => compareKeys(a.key, b.key) || Number(b.isIntervalEnd) - Number(a.isIntervalEnd),
  );
  return sorted.flatMap(({ key, isIntervalEnd, verdict }, index) => {
    if (isIntervalEnd) return [];
    const next = sorted[index + 1];
    const to = next === undefined ? key.map(() => 0xff) : keyBefore(next.key);
    return [elementOf(key, to, verdict)];
  });
}
