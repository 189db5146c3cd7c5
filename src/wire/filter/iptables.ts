/**
 * The tables of the older packet filter, iptables: the answers to getsockopt (linux/netfilter_ipv4/ip_tables.h,
 * netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h), in the machine's byte order. All rules of a table come in one
 * piece; chains are known by where they begin in it.
 */
import { DecodeError } from "../../lib/errors.ts";
import type {
  BaseHook,
  FilterChain,
  FilterCondition,
  FilterHook,
  FilterRule,
  FilterTable,
  FilterVerdict,
  PacketField,
} from "../../model/packet-filter.ts";
import { Reader, Writer } from "../bytes/bytes.ts";
import { matchConditions, targetVerdict } from "./xtables.ts";

/** XT_TABLE_MAXNAMELEN */
const NAME_BYTES = 32;
/** enum nf_inet_hooks */
const HOOKS: readonly FilterHook[] = ["prerouting", "input", "forward", "output", "postrouting"];
/** struct ipt_getinfo */
export const TABLE_INFO_BYTES = NAME_BYTES + 4 + 2 * HOOKS.length * 4 + 4 + 4;
/** struct ipt_get_entries: the name, u32 size, and 4 bytes so that 64-bit counters are aligned. */
const ENTRIES_OFFSET = 40;
const INTERFACE_BYTES = 16;
/** struct xt_entry_match, xt_entry_target: u16 size, char name[29], u8 revision. */
const EXTENSION_HEADER_BYTES = 32;
const EXTENSION_NAME_BYTES = 29;

export type IptablesFamily = "ip" | "ip6";

export interface TableInfo {
  readonly name: string;
  /** Where in the entries the chain of each hook begins; undefined: the table has none there. */
  readonly begins: readonly (number | undefined)[];
  /** Where the rule that is the chain's policy is. */
  readonly policies: readonly (number | undefined)[];
  readonly entries: number;
  readonly bytes: number;
}

function tableName(name: string, bytes: number): Uint8Array {
  const writer = new Writer(bytes);
  writer.bytes(new TextEncoder().encode(name));
  writer.zeros(bytes - writer.position);
  return writer.written();
}

/** What the kernel fills in: struct ipt_getinfo. @throws RangeError when the name is too long. */
export function tableInfoRequest(name: string): Uint8Array {
  return tableName(name, TABLE_INFO_BYTES);
}

/** What the kernel fills in: struct ipt_get_entries with room for `bytes`. */
export function tableEntriesRequest(name: string, bytes: number): Uint8Array {
  const request = tableName(name, ENTRIES_OFFSET + bytes);
  new DataView(request.buffer).setUint32(NAME_BYTES, bytes, true);
  return request;
}

function readText(reader: Reader, length: number, field: string): string {
  const text = reader.bytes(length, field);
  const end = text.indexOf(0);
  return new TextDecoder("latin1").decode(end < 0 ? text : text.subarray(0, end));
}

/** Reads struct ipt_getinfo. @throws DecodeError */
export function readTableInfo(answer: Uint8Array): TableInfo {
  const reader = new Reader(answer);
  const name = readText(reader, NAME_BYTES, "name");
  const valid = reader.u32("valid_hooks");
  const offsets = (field: string) =>
    HOOKS.map((_, hook) => {
      const offset = reader.u32(field);
      return (valid & (1 << hook)) === 0 ? undefined : offset;
    });
  const begins = offsets("hook_entry");
  const policies = offsets("underflow");
  return { name, begins, policies, entries: reader.u32("num_entries"), bytes: reader.u32("size") };
}

function bytesCondition(
  field: PacketField,
  value: Uint8Array,
  mask: Uint8Array,
  negated: boolean,
): readonly FilterCondition[] {
  if (mask.every((byte) => byte === 0)) return [];
  const wanted = value.map((byte, index) => byte & (mask[index] ?? 0));
  const part = { field, start: 0, length: mask.length, mask };
  return [{ kind: "range", part, ranges: [{ from: wanted, to: wanted }], negated }];
}

/** IPT_INV_*, which IPv6 has with the same values. */
const INVERTED = { in: 0x01, out: 0x02, tos: 0x04, source: 0x08, destination: 0x10, fragment: 0x20, protocol: 0x40 };
/** The flags of both families. */
const FLAGS = { ip: { fragment: 0x01, goto: 0x02 }, ip6: { protocol: 0x01, tos: 0x02, goto: 0x04 } };

interface EntryHead {
  readonly conditions: readonly FilterCondition[];
  readonly isGoto: boolean;
}

/** struct ipt_ip or ip6t_ip6. */
function readHead(reader: Reader, family: IptablesFamily): EntryHead {
  const length = family === "ip" ? 4 : 16;
  const [source, destination] = [reader.bytes(length, "src"), reader.bytes(length, "dst")];
  const [sourceMask, destinationMask] = [reader.bytes(length, "smsk"), reader.bytes(length, "dmsk")];
  const [inName, outName] = [reader.bytes(INTERFACE_BYTES, "iniface"), reader.bytes(INTERFACE_BYTES, "outiface")];
  const [inMask, outMask] = [reader.bytes(INTERFACE_BYTES, "mask"), reader.bytes(INTERFACE_BYTES, "mask")];
  const protocol = reader.u16("proto");
  if (family === "ip6") reader.u8("tos");
  const flags = reader.u8("flags");
  const inverted = reader.u8("invflags");
  if (family === "ip6") reader.skip(3);
  const isOdd = family === "ip" ? (flags & FLAGS.ip.fragment) !== 0 : (flags & FLAGS.ip6.tos) !== 0;
  const asksProtocol = protocol !== 0 && (family === "ip" || (flags & FLAGS.ip6.protocol) !== 0);
  const whole = Uint8Array.of(asksProtocol ? 0xff : 0);
  return {
    conditions: [
      ...bytesCondition("source", source, sourceMask, (inverted & INVERTED.source) !== 0),
      ...bytesCondition("destination", destination, destinationMask, (inverted & INVERTED.destination) !== 0),
      ...bytesCondition("in-interface", inName, inMask, (inverted & INVERTED.in) !== 0),
      ...bytesCondition("out-interface", outName, outMask, (inverted & INVERTED.out) !== 0),
      ...bytesCondition("protocol", Uint8Array.of(protocol & 0xff), whole, (inverted & INVERTED.protocol) !== 0),
      ...(isOdd || (inverted & (INVERTED.tos | INVERTED.fragment)) !== 0 ? [{ kind: "unknown" } as const] : []),
    ],
    isGoto: (flags & FLAGS[family].goto) !== 0,
  };
}

/** A rule with where it stands, before the chains are known. */
interface RawEntry {
  readonly offset: number;
  readonly next: number;
  readonly conditions: readonly FilterCondition[];
  readonly isGoto: boolean;
  readonly target: string;
  /** The number of a plain verdict, or the text of an ERROR target, which begins a chain of that name. */
  readonly verdict: number | string | undefined;
}

function readExtension(reader: Reader): {
  readonly name: string;
  readonly revision: number;
  readonly info: Uint8Array;
} {
  const size = reader.u16("extension.size");
  const name = readText(reader, EXTENSION_NAME_BYTES, "extension.name");
  const revision = reader.u8("extension.revision");
  if (size < EXTENSION_HEADER_BYTES) throw new DecodeError("extension.size", `an extension has no ${size} bytes`);
  return { name, revision, info: reader.bytes(size - EXTENSION_HEADER_BYTES, "extension") };
}

function targetValue(name: string, info: Uint8Array): number | string | undefined {
  if (name === "") return new Reader(info).i32("verdict");
  if (name !== "ERROR") return undefined;
  const end = info.indexOf(0);
  return new TextDecoder("latin1").decode(end < 0 ? info : info.subarray(0, end));
}

/** struct ipt_entry or ip6t_entry: the head, u32 nfcache, u16 target_offset, u16 next_offset, u32, 2 u64 counters. */
function readEntry(entries: Uint8Array, offset: number, family: IptablesFamily): RawEntry {
  const reader = new Reader(entries);
  reader.skip(offset, "entry");
  const head = readHead(reader, family);
  reader.u32("nfcache");
  const [targetOffset, nextOffset] = [reader.u16("target_offset"), reader.u16("next_offset")];
  reader.u32("comefrom");
  // 64-bit counters are aligned: 136 + 12 bytes are no multiple of 8.
  if (family === "ip6") reader.skip(4);
  reader.skip(16, "counters");
  const targetAt = offset + targetOffset;
  const next = offset + nextOffset;
  if (targetAt < reader.position || next < targetAt + EXTENSION_HEADER_BYTES || next > entries.length) {
    throw new DecodeError("next_offset", `an entry at ${offset} cannot end at ${next} with its target at ${targetAt}`);
  }
  const conditions = [...head.conditions];
  const outerEnd = reader.enter(targetAt - reader.position, "matches");
  while (reader.remaining > 0) {
    const { name, revision, info } = readExtension(reader);
    conditions.push(...matchConditions(name, revision, info));
  }
  reader.leave(outerEnd);
  const target = readExtension(reader);
  if (reader.position > next) throw new DecodeError("target.size", "is longer than its entry");
  return {
    offset,
    next,
    conditions,
    isGoto: head.isGoto,
    target: target.name,
    verdict: targetValue(target.name, target.info),
  };
}

/** The kernel's negative verdicts: -NF_DROP - 1, -NF_ACCEPT - 1, XT_RETURN (-NF_REPEAT - 1). */
const XT_DROP = -1;
const XT_ACCEPT = -2;
const XT_RETURN = -5;

function toFilterVerdict(entry: RawEntry, chainAt: (offset: number) => string | undefined): FilterVerdict {
  const { verdict, target } = entry;
  if (typeof verdict !== "number") return targetVerdict(target);
  if (verdict === XT_DROP) return { kind: "drop" };
  if (verdict === XT_ACCEPT) return { kind: "accept" };
  if (verdict === XT_RETURN) return { kind: "return" };
  if (verdict < 0) return { kind: "unknown" };
  // A rule without a target leads to the entry behind it.
  if (verdict === entry.next) return { kind: "continue" };
  const chain = chainAt(verdict);
  return chain === undefined ? { kind: "unknown" } : { kind: entry.isGoto ? "goto" : "jump", chain };
}

function readAllEntries(entries: Uint8Array, family: IptablesFamily): RawEntry[] {
  const all: RawEntry[] = [];
  let offset = 0;
  while (offset < entries.length) {
    const entry = readEntry(entries, offset, family);
    all.push(entry);
    offset = entry.next;
  }
  return all;
}

/** A chain's beginning in the entries. */
interface Beginning {
  readonly name: string;
  readonly offset: number;
  readonly hook?: number;
}

function beginningsOf(info: TableInfo, all: readonly RawEntry[]): readonly Beginning[] {
  const ofHooks = info.begins.flatMap((offset, hook): Beginning[] =>
    offset === undefined ? [] : [{ name: (HOOKS[hook] ?? "").toUpperCase(), offset, hook }],
  );
  const ofUsers = all.flatMap(({ verdict, next }, index): Beginning[] =>
    // The last entry is an ERROR of its own that ends the table.
    typeof verdict === "string" && index < all.length - 1 ? [{ name: verdict, offset: next }] : [],
  );
  return [...ofHooks, ...ofUsers].toSorted((a, b) => a.offset - b.offset);
}

/** Which entries are behind which beginning; both are in the order of their offsets. */
function entriesByBeginning(
  beginnings: readonly Beginning[],
  all: readonly RawEntry[],
): ReadonlyMap<Beginning | undefined, readonly RawEntry[]> {
  let index = -1;
  return Map.groupBy(all, ({ offset }) => {
    while ((beginnings[index + 1]?.offset ?? Number.POSITIVE_INFINITY) <= offset) index += 1;
    return beginnings[index];
  });
}

/** The table `nat` translates addresses; `mangle`'s output chooses routes anew, and drops like a filter. */
function typeOf(table: string): string {
  return table === "nat" ? "nat" : "filter";
}

/**
 * A whole table.
 * @param answer struct ipt_get_entries
 * @throws DecodeError
 */
export function readTable(family: IptablesFamily, info: TableInfo, answer: Uint8Array): FilterTable {
  const reader = new Reader(answer);
  reader.skip(ENTRIES_OFFSET, "ipt_get_entries");
  const all = readAllEntries(reader.bytes(info.bytes, "entrytable"), family);
  const beginnings = beginningsOf(info, all);
  const byOffset = new Map(beginnings.map(({ offset, name }) => [offset, name]));
  const byBeginning = entriesByBeginning(beginnings, all);
  const chains = beginnings.map((beginning): FilterChain => {
    const { name, hook } = beginning;
    const policyAt = hook === undefined ? undefined : info.policies[hook];
    const own = byBeginning.get(beginning) ?? [];
    const rules = own
      .filter((entry) => entry.offset !== policyAt && typeof entry.verdict !== "string")
      .map((entry, place): FilterRule => {
        const verdict = toFilterVerdict(entry, (at) => byOffset.get(at));
        return { number: place + 1, conditions: entry.conditions, verdict };
      });
    if (hook === undefined) return { name, rules };
    const isDrop = own.find((entry) => entry.offset === policyAt)?.verdict === XT_DROP;
    const base: BaseHook = {
      hook: HOOKS[hook] ?? "input",
      type: typeOf(info.name),
      policy: isDrop ? "drop" : "accept",
      devices: [],
    };
    return { name, base, rules };
  });
  return { source: "iptables", family, name: info.name, chains, sets: new Map() };
}
