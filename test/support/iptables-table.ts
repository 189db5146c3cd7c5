/** A table of iptables as bytes, as the kernel gives and takes it (linux/netfilter_ipv4/ip_tables.h, ip6_tables.h). */
import { Writer } from "../../src/wire/bytes/bytes.ts";

const CHAINS = ["INPUT", "FORWARD", "OUTPUT"] as const;
type BaseChain = (typeof CHAINS)[number];
/** The numbers of the hooks of those chains: NF_INET_LOCAL_IN, NF_INET_FORWARD, NF_INET_LOCAL_OUT. */
const FIRST_HOOK = 1;
const HOOKS = 5;
/** -NF_DROP - 1, -NF_ACCEPT - 1 */
const VERDICTS = { DROP: -1, ACCEPT: -2, RETURN: -5 } as const;

export interface TableMatch {
  readonly name: string;
  readonly revision: number;
  readonly info: Uint8Array;
}

export interface TableRule {
  /** IPv4 only: an address of 4 bytes, the whole of it compared. */
  readonly source?: Uint8Array;
  readonly inInterface?: string;
  readonly protocol?: number;
  readonly matches?: readonly TableMatch[];
  /** A verdict, an extension's name, or the chain to jump to. */
  readonly target: keyof typeof VERDICTS | { readonly jump: string } | { readonly extension: string };
}

export interface TableText {
  readonly policies?: Partial<Record<BaseChain, "ACCEPT" | "DROP">>;
  readonly rules?: Readonly<Record<string, readonly TableRule[]>>;
}

export interface TableBytes {
  readonly hookEntries: readonly number[];
  readonly underflows: readonly number[];
  readonly count: number;
  readonly entries: Uint8Array;
}

function padded(writer: Writer, text: string, length: number): void {
  const bytes = new TextEncoder().encode(text);
  writer.bytes(bytes);
  writer.zeros(length - bytes.length);
}

function extension(name: string, revision: number, info: Uint8Array): Uint8Array {
  const writer = new Writer(1024);
  const padding = -info.length & 7;
  writer.u16(32 + info.length + padding);
  padded(writer, name, 29);
  writer.u8(revision);
  writer.bytes(info);
  writer.zeros(padding);
  return writer.written();
}

function head(writer: Writer, rule: TableRule, inet6: boolean): void {
  const address = inet6 ? 16 : 4;
  const start = writer.position;
  const { source = new Uint8Array(address), inInterface = "" } = rule;
  writer.bytes(source);
  writer.zeros(address);
  writer.bytes(new Uint8Array(address).fill(rule.source === undefined ? 0 : 0xff));
  writer.zeros(address);
  padded(writer, inInterface, 16);
  writer.zeros(16);
  writer.bytes(new Uint8Array(16).fill(0xff, 0, inInterface === "" ? 0 : inInterface.length + 1));
  writer.zeros(16);
  writer.u16(rule.protocol ?? 0);
  if (inet6) {
    writer.u8(0);
    // IP6T_F_PROTO
    writer.u8(rule.protocol === undefined ? 0 : 1);
  }
  writer.zeros((inet6 ? 136 : 84) - (writer.position - start));
}

function entry(rule: TableRule, target: Uint8Array, inet6: boolean): Uint8Array {
  const writer = new Writer(4096);
  head(writer, rule, inet6);
  writer.u32(0);
  const matches = (rule.matches ?? []).map(({ name, revision, info }) => extension(name, revision, info));
  const targetOffset = matches.reduce((sum, { length }) => sum + length, inet6 ? 168 : 112);
  writer.u16(targetOffset);
  writer.u16(targetOffset + target.length);
  writer.u32(0);
  if (inet6) writer.zeros(4);
  writer.zeros(16);
  for (const match of matches) writer.bytes(match);
  writer.bytes(target);
  return writer.written();
}

function i32(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}

/** XT_FUNCTION_MAXNAMELEN: the name of an ERROR target has 30 bytes. */
function errorTarget(name: string): Uint8Array {
  const bytes = new Uint8Array(30);
  bytes.set(new TextEncoder().encode(name));
  return extension("ERROR", 0, bytes);
}

function targetOf({ target }: TableRule, startOf: (chain: string) => number): Uint8Array {
  if (typeof target === "string") return extension("", 0, i32(VERDICTS[target]));
  return "jump" in target ? extension("", 0, i32(startOf(target.jump))) : extension(target.extension, 0, i32(0));
}

/** The table `filter` with these rules; chains that are no base chains come behind them. */
export function tableBytes({ policies = {}, rules = {} }: TableText, inet6 = false): TableBytes {
  const users = Object.keys(rules).filter((name) => CHAINS.every((base) => base !== name));
  const starts = new Map<string, number>();
  const lay = (startOf: (chain: string) => number) => {
    const writer = new Writer(65_536);
    const underflows: number[] = [];
    let count = 0;
    const add = (rule: TableRule, target: Uint8Array) => {
      writer.bytes(entry(rule, target, inet6));
      count += 1;
    };
    for (const name of [...CHAINS, ...users]) {
      const isUser = users.includes(name);
      if (isUser) add({ target: "DROP" }, errorTarget(name));
      starts.set(name, writer.position);
      for (const rule of rules[name] ?? []) add(rule, targetOf(rule, startOf));
      if (!isUser) underflows.push(writer.position);
      const policy = isUser ? "RETURN" : (policies[name as BaseChain] ?? "ACCEPT");
      add({ target: policy }, extension("", 0, i32(VERDICTS[policy])));
    }
    add({ target: "DROP" }, errorTarget("ERROR"));
    return { underflows, count, entries: writer.written() };
  };
  // Jumps need to know where chains begin, which does not depend on where jumps lead.
  lay(() => 0);
  const laid = lay((chain) => starts.get(chain) ?? 0);
  const atHooks = (offsets: readonly number[]) =>
    Array.from({ length: HOOKS }, (_, hook) => offsets[hook - FIRST_HOOK] ?? 0);
  return {
    ...laid,
    hookEntries: atHooks(CHAINS.map((name) => starts.get(name) ?? 0)),
    underflows: atHooks(laid.underflows),
  };
}

/** The three base chains' bits. */
const VALID_HOOKS = 0b1110;

/** struct ipt_getinfo */
export function infoBytes({ hookEntries, underflows, count, entries }: TableBytes): Uint8Array {
  const writer = new Writer(128);
  padded(writer, "filter", 32);
  writer.u32(VALID_HOOKS);
  for (const offset of [...hookEntries, ...underflows]) writer.u32(offset);
  writer.u32(count);
  writer.u32(entries.length);
  return writer.written();
}

/** struct ipt_get_entries */
export function answerBytes({ entries }: TableBytes): Uint8Array {
  const writer = new Writer(65_600);
  padded(writer, "filter", 32);
  writer.u32(entries.length);
  writer.zeros(4);
  writer.bytes(entries);
  return writer.written();
}

/**
 * struct ipt_replace: what makes the kernel take the table.
 * @param counters where the kernel puts the old rules' counters: so many of 16 bytes
 */
export function replaceBytes(table: TableBytes, oldCount: number, counters: number): Uint8Array {
  const writer = new Writer(65_600);
  padded(writer, "filter", 32);
  writer.u32(VALID_HOOKS);
  writer.u32(table.count);
  writer.u32(table.entries.length);
  for (const offset of [...table.hookEntries, ...table.underflows]) writer.u32(offset);
  writer.u32(oldCount);
  writer.u64(BigInt(counters));
  writer.bytes(table.entries);
  return writer.written();
}

/** struct xt_conntrack_mtinfo3 that asks for states: bits of XT_CONNTRACK_STATE_*. */
export function conntrackMatch(states: number): TableMatch {
  const info = new Uint8Array(164);
  const view = new DataView(info.buffer);
  view.setUint16(146, 1, true);
  view.setUint16(150, states, true);
  return { name: "conntrack", revision: 3, info };
}

/** struct xt_tcp: ports from and to. */
export function tcpMatch(source: readonly [number, number], destination: readonly [number, number]): TableMatch {
  const info = new Uint8Array(12);
  new Uint16Array(info.buffer, 0, 4).set([...source, ...destination]);
  return { name: "tcp", revision: 0, info };
}
