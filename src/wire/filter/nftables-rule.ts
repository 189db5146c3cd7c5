/**
 * The rules of nf_tables: small programs of expressions over registers. What they compare is followed through the
 * registers back to the packet's fields; an expression that is not known makes a condition that is not known.
 */
import { DecodeError } from "../../lib/errors.ts";
import type {
  ByteRange,
  FilterCondition,
  FilterFamily,
  FilterRule,
  FilterVerdict,
  PacketField,
  PacketPart,
} from "../../model/packet-filter.ts";
import { Reader } from "../bytes/bytes.ts";
import { type Attributes, attributeList, attributes, be32, bytes, cstring } from "../netlink/netlink-attributes.ts";
import { dataAttributes, readFilterFamily, toVerdict } from "./nftables.ts";
import { matchConditions, targetVerdict } from "./xtables.ts";

const expressionAttributes = attributes("NFTA_EXPR", { name: [1, cstring], data: [2, bytes] });
const ruleAttributes = attributes("NFTA_RULE", {
  table: [1, cstring],
  chain: [2, cstring],
  handle: [3, bytes],
  expressions: [4, attributeList("NFTA_LIST", 1, expressionAttributes)],
});

const immediateAttributes = attributes("NFTA_IMMEDIATE", { register: [1, be32], data: [2, dataAttributes] });
const loadAttributes = attributes("NFTA_META", { to: [1, be32], key: [2, be32] });
const payloadAttributes = attributes("NFTA_PAYLOAD", {
  to: [1, be32],
  base: [2, be32],
  offset: [3, be32],
  length: [4, be32],
});
const fibAttributes = attributes("NFTA_FIB", { to: [1, be32], result: [2, be32], flags: [3, be32] });
const compareAttributes = attributes("NFTA_CMP", { from: [1, be32], operator: [2, be32], data: [3, dataAttributes] });
const rangeAttributes = attributes("NFTA_RANGE", {
  register: [1, be32],
  operator: [2, be32],
  from: [3, dataAttributes],
  to: [4, dataAttributes],
});
const bitwiseAttributes = attributes("NFTA_BITWISE", {
  from: [1, be32],
  to: [2, be32],
  length: [3, be32],
  mask: [4, dataAttributes],
  xor: [5, dataAttributes],
  operator: [6, be32],
});
const lookupAttributes = attributes("NFTA_LOOKUP", {
  set: [1, cstring],
  from: [2, be32],
  to: [3, be32],
  flags: [5, be32],
});
const compatAttributes = attributes("NFTA_MATCH", { name: [1, cstring], revision: [2, be32], info: [3, bytes] });
const objectAttributes = attributes("NFTA_OBJREF", { type: [1, be32] });

/** enum nft_registers: 0 is the verdict. */
const VERDICT_REGISTER = 0;
/** NFT_REG32_00: registers of 4 bytes; 1 to 4 have 16 bytes and lie over the first sixteen of those. */
const SMALL_REGISTERS_FROM = 8;
const WORDS_OF_LARGE = 4;
const WORD_BYTES = 4;
/** NFT_LOOKUP_F_INV */
const LOOKUP_INVERTED = 1;
/** NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR alone */
const FIB_ADDRESS_TYPE = 3;
const FIB_DESTINATION = 2;
/** NFT_OBJECT_COUNTER */
const COUNTER_OBJECT = 1;

interface FieldLength {
  readonly field: PacketField;
  readonly length: number;
}

/** enum nft_meta_keys */
const META_FIELDS: Readonly<Record<number, FieldLength>> = {
  1: { field: "ether-type", length: 2 },
  4: { field: "in-index", length: 4 },
  5: { field: "out-index", length: 4 },
  6: { field: "in-interface", length: 16 },
  7: { field: "out-interface", length: 16 },
  15: { field: "family", length: 1 },
  16: { field: "protocol", length: 1 },
};

/** enum nft_ct_keys: NFT_CT_STATE */
const CONNTRACK_FIELDS: Readonly<Record<number, FieldLength>> = { 0: { field: "conntrack-state", length: 4 } };

interface HeaderField extends FieldLength {
  readonly offset: number;
}

/** RFC 791 section 3.1 and RFC 8200 section 3: offsets in the network header. */
const IPV4_FIELDS: readonly HeaderField[] = [
  { field: "protocol", offset: 9, length: 1 },
  { field: "source", offset: 12, length: 4 },
  { field: "destination", offset: 16, length: 4 },
];
const IPV6_FIELDS: readonly HeaderField[] = [
  { field: "protocol", offset: 6, length: 1 },
  { field: "source", offset: 8, length: 16 },
  { field: "destination", offset: 24, length: 16 },
];
/** The ports of TCP, UDP and SCTP. */
const TRANSPORT_FIELDS: readonly HeaderField[] = [
  { field: "source-port", offset: 0, length: 2 },
  { field: "destination-port", offset: 2, length: 2 },
];
/** enum nft_payload_bases */
const NETWORK_BASE = 1;
const TRANSPORT_BASE = 2;

/** Expressions that change neither what a rule fits nor what becomes of the packet. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["counter", "log", "notrack", "last", "dup", "flow_offload"]);

/** Follows the expressions of one rule. */
class RuleReading {
  readonly conditions: FilterCondition[] = [];
  verdict: FilterVerdict = { kind: "continue" };
  readonly #family: FilterFamily;
  /** What is in which word of the registers. */
  readonly #words = new Map<number, PacketPart>();
  /** What the rule has compared with so far tells IPv4 from IPv6 in tables for both. */
  #isIpv6: boolean | undefined;

  constructor(family: FilterFamily) {
    this.#family = family;
    if (family === "ip" || family === "ip6") this.#isIpv6 = family === "ip6";
  }

  take(name: string, data: Uint8Array): void {
    const reader = new Reader(data);
    if (name === "immediate") this.#immediate(immediateAttributes.decode(reader));
    else if (name === "meta") this.#load(loadAttributes.decode(reader), META_FIELDS);
    else if (name === "ct") this.#load(loadAttributes.decode(reader), CONNTRACK_FIELDS);
    else if (name === "fib") this.#fib(fibAttributes.decode(reader));
    else if (name === "payload") this.#payload(payloadAttributes.decode(reader));
    else if (name === "bitwise") this.#bitwise(bitwiseAttributes.decode(reader));
    else if (name === "cmp") this.#compare(compareAttributes.decode(reader));
    else if (name === "range") this.#range(rangeAttributes.decode(reader));
    else if (name === "lookup") this.#lookup(lookupAttributes.decode(reader));
    else this.#other(name, reader);
  }

  #other(name: string, reader: Reader): void {
    if (name === "match") {
      const { name: match = "", revision = 0, info = new Uint8Array() } = compatAttributes.decode(reader);
      this.conditions.push(...matchConditions(match, revision, info));
    } else if (name === "target") {
      this.verdict = targetVerdict(compatAttributes.decode(reader).name ?? "");
    } else if (name === "reject") {
      this.verdict = { kind: "reject" };
    } else if (name === "queue" || name === "fwd" || name === "synproxy" || name === "tproxy") {
      this.verdict = { kind: "unknown" };
    } else if (name === "objref") {
      if (objectAttributes.decode(reader).type !== COUNTER_OBJECT) this.#doubt();
    } else if (!WITHOUT_EFFECT.has(name)) {
      this.#words.clear();
      this.#doubt();
    }
  }

  #doubt(): void {
    this.conditions.push({ kind: "unknown" });
  }

  #immediate({ register, data }: Attributes<typeof immediateAttributes>): void {
    if (register === VERDICT_REGISTER && data?.verdict !== undefined) this.verdict = toVerdict(data.verdict);
    else this.#put(register, undefined);
  }

  /** Puts a part of the packet, or something unknown, into a register. */
  #put(register: number | undefined, part: PacketPart | undefined): void {
    const word = wordOf(register);
    if (word === undefined) return;
    // What is unknown may be as long as the registers are.
    const words = part === undefined ? WORDS_OF_LARGE : Math.ceil(part.length / WORD_BYTES);
    for (let index = 0; index < words; index += 1) this.#words.delete(word + index);
    if (part !== undefined) this.#words.set(word, part);
  }

  /** The first `length` bytes of what a register has; undefined: not known. */
  #get(register: number | undefined, length: number): PacketPart | undefined {
    const word = wordOf(register);
    const part = word === undefined ? undefined : this.#words.get(word);
    return part === undefined || part.length < length ? undefined : { ...part, length };
  }

  #load({ to, key }: Attributes<typeof loadAttributes>, fields: Readonly<Record<number, FieldLength>>): void {
    // Without a register to load into, the packet is given a mark or the like.
    if (to === undefined) return;
    const found = key === undefined ? undefined : fields[key];
    this.#put(to, found === undefined ? undefined : { field: found.field, start: 0, length: found.length });
  }

  #fib({ to, result, flags }: Attributes<typeof fibAttributes>): void {
    const isKnown = result === FIB_ADDRESS_TYPE && flags === FIB_DESTINATION;
    this.#put(to, isKnown ? { field: "destination-type", start: 0, length: 4 } : undefined);
  }

  #payload({ to, base, offset = 0, length = 0 }: Attributes<typeof payloadAttributes>): void {
    if (to === undefined) {
      // The packet is changed: what is said of its fields no longer holds.
      this.#words.clear();
      this.#doubt();
      return;
    }
    const found = this.#fieldsAt(base).find(
      (field) => field.offset <= offset && offset + length <= field.offset + field.length,
    );
    const part =
      found === undefined || length === 0 ? undefined : { field: found.field, start: offset - found.offset, length };
    this.#put(to, part);
  }

  #fieldsAt(base: number | undefined): readonly HeaderField[] {
    if (base === TRANSPORT_BASE) return this.#family === "arp" ? [] : TRANSPORT_FIELDS;
    if (base !== NETWORK_BASE || this.#isIpv6 === undefined) return [];
    return this.#isIpv6 ? IPV6_FIELDS : IPV4_FIELDS;
  }

  #bitwise({ from, to, length = 0, mask, xor, operator = 0 }: Attributes<typeof bitwiseAttributes>): void {
    const part = this.#get(from, length);
    const isMasking = operator === 0 && mask?.value?.length === length && xor?.value?.length === length;
    const isFollowed = part !== undefined && isMasking && part.mask === undefined;
    this.#put(to, isFollowed ? { ...part, mask: mask.value, xor: xor.value } : undefined);
  }

  #compare({ from, operator, data }: Attributes<typeof compareAttributes>): void {
    const value = data?.value;
    const part = value === undefined ? undefined : this.#get(from, value.length);
    const test = value === undefined ? undefined : comparison(operator, value);
    if (part === undefined || test === undefined) {
      this.#doubt();
      return;
    }
    this.conditions.push({ kind: "range", part, ...test });
    this.#learnFamily(part, operator, value);
  }

  /** After `meta nfproto ipv4` the offsets are those of IPv4. NFPROTO_IPV4 is 2, NFPROTO_IPV6 10; EtherTypes of IEEE. */
  #learnFamily(part: PacketPart, operator: number | undefined, value: Uint8Array | undefined): void {
    if (operator !== 0 || value === undefined || part.mask !== undefined) return;
    const number = value.reduce((sum, byte) => sum * 256 + byte, 0);
    if (part.field === "family") this.#isIpv6 = number === 10 ? true : number === 2 ? false : this.#isIpv6;
    if (part.field === "ether-type") this.#isIpv6 = number === 0x86dd ? true : number === 0x0800 ? false : this.#isIpv6;
  }

  #range({ register, operator, from, to }: Attributes<typeof rangeAttributes>): void {
    const [low, high] = [from?.value, to?.value];
    const part = low === undefined ? undefined : this.#get(register, low.length);
    if (part === undefined || low === undefined || high === undefined) this.#doubt();
    else this.conditions.push({ kind: "range", part, ranges: [{ from: low, to: high }], negated: operator === 1 });
  }

  #lookup({ set = "", from, to, flags = 0 }: Attributes<typeof lookupAttributes>): void {
    const word = wordOf(from);
    const part = word === undefined ? undefined : this.#words.get(word);
    // The next word is part of the key where fields were put one behind the other.
    const isAlone =
      part !== undefined && word !== undefined && !this.#words.has(word + Math.ceil(part.length / WORD_BYTES));
    const known = isAlone ? part : undefined;
    if (to === VERDICT_REGISTER) {
      this.verdict = { kind: "map", part: known, set };
    } else if (to !== undefined || known === undefined) {
      this.#put(to, undefined);
      this.#doubt();
    } else {
      this.conditions.push({ kind: "set", part: known, set, negated: (flags & LOOKUP_INVERTED) !== 0 });
    }
  }
}

function wordOf(register: number | undefined): number | undefined {
  if (register === undefined || register === VERDICT_REGISTER) return undefined;
  return register < SMALL_REGISTERS_FROM ? (register - 1) * WORDS_OF_LARGE : register - SMALL_REGISTERS_FROM;
}

/** enum nft_cmp_ops: equal, not equal, less, less or equal, greater, greater or equal. */
function comparison(
  operator: number | undefined,
  value: Uint8Array,
): { readonly ranges: readonly ByteRange[]; readonly negated: boolean } | undefined {
  const [least, most] = [value.map(() => 0), value.map(() => 0xff)];
  switch (operator) {
    case 0:
      return { ranges: [{ from: value, to: value }], negated: false };
    case 1:
      return { ranges: [{ from: value, to: value }], negated: true };
    case 2:
      return { ranges: [{ from: value, to: most }], negated: true };
    case 3:
      return { ranges: [{ from: least, to: value }], negated: false };
    case 4:
      return { ranges: [{ from: least, to: value }], negated: true };
    case 5:
      return { ranges: [{ from: value, to: most }], negated: false };
    default:
      return undefined;
  }
}

/** A rule with the chain that it belongs to. */
export interface PlacedRule {
  readonly family: FilterFamily;
  readonly table: string;
  readonly chain: string;
  readonly rule: FilterRule;
}

/** u64 in network order; a rule's number for people, which they give to nft. */
function toHandle(handle: Uint8Array | undefined): number {
  if (handle === undefined) return 0;
  if (handle.length !== 8) throw new DecodeError("handle", `needs 8 bytes, got ${handle.length}`);
  return Number(new Reader(handle).be64("handle"));
}

/** Reads the payload of NFT_MSG_NEWRULE; undefined: of a family that is not known. @throws DecodeError */
export function readRule(payload: Uint8Array): PlacedRule | undefined {
  const reader = new Reader(payload);
  const family = readFilterFamily(reader);
  const { table, chain, handle, expressions = [] } = ruleAttributes.decode(reader);
  if (family === undefined || table === undefined || chain === undefined) return undefined;
  const reading = new RuleReading(family);
  for (const { name = "", data = new Uint8Array() } of expressions) reading.take(name, data);
  const { conditions, verdict } = reading;
  return { family, table, chain, rule: { number: toHandle(handle), conditions, verdict } };
}
