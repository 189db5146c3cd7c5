/** The rules of nf_tables and iptables as this kernel has them. */
import { existsSync, readFileSync } from "node:fs";
import { SyscallError, TandemError } from "../../lib/errors.ts";
import type { FilterChain, FilterFamily, FilterRule, FilterTable, SetElement } from "../../model/packet-filter.ts";
import { errnoName } from "../../sys/libc/errno.ts";
import { askIptables } from "../../sys/sockets/iptables-socket.ts";
import type { IptablesFamily } from "../../wire/filter/iptables.ts";
import { readTable, readTableInfo, tableEntriesRequest, tableInfoRequest } from "../../wire/filter/iptables.ts";
import {
  type ChainHead,
  NFT_MSG,
  type RawElement,
  readChain,
  readElements,
  toSetElements,
  writeElementRequest,
  writeFilterRequest,
} from "../../wire/filter/nftables.ts";
import { readRule } from "../../wire/filter/nftables-rule.ts";
import { readSysctl } from "../machine/sysctl.ts";
import { NetlinkConnection, type Refusal, understood } from "../netlink/netlink-connection.ts";
import { netlinkError } from "../netlink/netlink-failure.ts";

/** The packet filter of this host. */
export interface FilterPicture {
  readonly tables: readonly FilterTable[];
  /** What could not be read, clauses. */
  readonly unread: readonly string[];
}

/** asm-generic/errno-base.h, errno.h: what a kernel says that has no nf_tables, or not of a family. */
const ABSENT_ERRNOS: ReadonlySet<number> = new Set([
  2 /* ENOENT */, 22 /* EINVAL, no such subsystem */, 93 /* EPROTONOSUPPORT */, 95 /* EOPNOTSUPP */,
  97 /* EAFNOSUPPORT */,
]);
/** A ruleset of more rules is of a size that is not judged here; a host with thousands of containers has some 20,000. */
const RULES_MAX = 50_000;
/** Sets that rules refer to, each a request of its own; and how many elements of one are read. */
const SETS_MAX = 256;
const ELEMENTS_MAX = 10_000;
/** struct xt_entry at least 112 bytes: about as many rules. */
const IPTABLES_BYTES_MAX = 16 * 1024 * 1024;
const EAGAIN = 11;
/** A table that is replaced between the two questions has another size; asked again so often. */
const ATTEMPTS_MAX = 5;

/** A module that could be loaded and is not has no rules, and asking would load it. */
function wouldLoadModule(name: string): boolean {
  if (existsSync(`/sys/module/${name}`)) return false;
  try {
    const list = readFileSync(`/lib/modules/${readSysctl("kernel/osrelease") ?? ""}/modules.dep`, "utf8");
    return new RegExp(`/${name}\\.ko(\\.\\w+)?:`).test(list);
  } catch {
    return false;
  }
}

function isAbsence(refusal: Refusal): boolean {
  return ABSENT_ERRNOS.has(refusal.errno);
}

/** The nf_tables of this network namespace, read over one socket. */
class RulesetReader implements Disposable {
  readonly #connection: NetlinkConnection;
  readonly unread: string[] = [];

  constructor() {
    this.#connection = NetlinkConnection.open("netfilter");
  }

  read(): FilterTable[] {
    const chains = this.#chains();
    if (chains.length === 0) return [];
    const rules = this.#rules();
    if (rules === undefined) return [];
    return [...Map.groupBy(chains, ({ family, table }) => `${family} ${table}`)].flatMap(([key, heads]) => {
      const [head] = heads;
      if (head === undefined) return [];
      const own = heads.map(({ name, base }): FilterChain => {
        return { name, ...(base === undefined ? {} : { base }), rules: rules.get(`${key} ${name}`) ?? [] };
      });
      const { family, table } = head;
      return [{ source: "nf_tables" as const, family, name: table, chains: own, sets: this.#sets(family, table, own) }];
    });
  }

  #chains(): ChainHead[] {
    const chains: ChainHead[] = [];
    this.#dump(NFT_MSG.getChain, NFT_MSG.newChain, "list the chains of nf_tables", writeFilterRequest, {
      begin: () => chains.splice(0),
      take: (payload) => {
        const chain = readChain(payload);
        if (chain !== undefined) chains.push(chain);
      },
    });
    return chains;
  }

  /** By family, table and chain; undefined: they are too many to look at. */
  #rules(): Map<string, FilterRule[]> | undefined {
    const rules = new Map<string, FilterRule[]>();
    let count = 0;
    this.#dump(NFT_MSG.getRule, NFT_MSG.newRule, "list the rules of nf_tables", writeFilterRequest, {
      begin: () => {
        rules.clear();
        count = 0;
      },
      take: (payload) => {
        count += 1;
        if (count > RULES_MAX) return;
        const placed = readRule(payload);
        if (placed === undefined) return;
        const key = `${placed.family} ${placed.table} ${placed.chain}`;
        const own = rules.get(key);
        if (own === undefined) rules.set(key, [placed.rule]);
        else own.push(placed.rule);
      },
    });
    if (count <= RULES_MAX) return rules;
    this.unread.push(`nf_tables has ${count} rules, and no more than ${RULES_MAX} are looked at`);
    return undefined;
  }

  #sets(family: FilterFamily, table: string, chains: readonly FilterChain[]): Map<string, readonly SetElement[]> {
    const names = new Set(chains.flatMap(({ rules }) => rules.flatMap(setsOf)));
    const sets = new Map<string, readonly SetElement[]>();
    for (const name of [...names].slice(0, SETS_MAX)) {
      const elements = this.#elements(family, table, name);
      if (elements !== undefined) sets.set(name, elements);
    }
    return sets;
  }

  #elements(family: FilterFamily, table: string, set: string): readonly SetElement[] | undefined {
    const raw: RawElement[] = [];
    let isTooLong = false;
    this.#dump(
      NFT_MSG.getSetElement,
      NFT_MSG.newSetElement,
      "list a set of nf_tables",
      (writer) => writeElementRequest(writer, family, table, set),
      {
        begin: () => {
          raw.length = 0;
        },
        take: (payload) => {
          if (raw.length > ELEMENTS_MAX) isTooLong = true;
          else raw.push(...readElements(payload));
        },
      },
    );
    return isTooLong ? undefined : toSetElements(raw);
  }

  /** Goes through a dump; what is not there is none. */
  #dump(
    type: number,
    wanted: number,
    operation: string,
    write: Parameters<NetlinkConnection["dump"]>[0]["write"],
    visitor: { readonly begin: () => void; readonly take: (payload: Uint8Array) => void },
  ): void {
    const { messages, refusal } = this.#connection.dump({ type, write });
    if (refusal !== undefined && !isAbsence(refusal)) throw netlinkError(refusal, { operation });
    visitor.begin();
    understood(() => {
      for (const message of messages) if (message.type === wanted) visitor.take(message.payload);
    });
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

function setsOf({ conditions, verdict }: FilterRule): string[] {
  const ofConditions = conditions.flatMap((condition) => (condition.kind === "set" ? [condition.set] : []));
  return verdict.kind === "map" ? [...ofConditions, verdict.set] : ofConditions;
}

function readNfTables(): FilterPicture {
  if (wouldLoadModule("nf_tables")) return { tables: [], unread: [] };
  try {
    using reader = new RulesetReader();
    return { tables: reader.read(), unread: reader.unread };
  } catch (error) {
    if (error instanceof SyscallError && ABSENT_ERRNOS.has(error.errno)) return { tables: [], unread: [] };
    // Without the right to look, nothing can be said at all.
    if (!(error instanceof TandemError) || error.exitCode === 4) throw error;
    return { tables: [], unread: [error.message] };
  }
}

/** The names of the tables that there are now, as only root may know. */
function iptablesNames(family: IptablesFamily): readonly string[] {
  try {
    return readFileSync(`/proc/net/${family}_tables_names`, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

function readIptablesTable(family: IptablesFamily, name: string): FilterTable {
  const failed = (reason: string) =>
    new TandemError({ operation: `read the ${family}tables table`, subject: name, reason });
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const question = tableInfoRequest(name);
    const infoErrno = askIptables(family === "ip6", "info", question);
    if (infoErrno !== 0) throw failed(errnoName(infoErrno));
    const info = understood(() => readTableInfo(question));
    if (info.bytes > IPTABLES_BYTES_MAX) throw failed(`it has ${info.entries} rules, too many to look at`);
    const entries = tableEntriesRequest(name, info.bytes);
    const errno = askIptables(family === "ip6", "entries", entries);
    if (errno === 0) return understood(() => readTable(family, info, entries));
    if (errno !== EAGAIN) throw failed(errnoName(errno));
  }
  throw failed(`it changed during each of ${ATTEMPTS_MAX} attempts`);
}

function readIptables(family: IptablesFamily): FilterPicture {
  const tables: FilterTable[] = [];
  const unread: string[] = [];
  for (const name of iptablesNames(family)) {
    try {
      tables.push(readIptablesTable(family, name));
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      unread.push(error.message);
    }
  }
  return { tables, unread };
}

/** The packet filter of this network namespace as the kernel has it now. A kernel without one has no tables. Reads only. */
export function readPacketFilter(): FilterPicture {
  const all = [readNfTables(), readIptables("ip"), readIptables("ip6")];
  return { tables: all.flatMap(({ tables }) => tables), unread: all.flatMap(({ unread }) => unread) };
}
