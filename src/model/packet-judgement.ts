/**
 * What the packet filter does to one kind of packet, judged by its rules without sending one. Of a packet some fields are
 * known and others are not, and rules may look at what is not judged here: then a rule may fit or not, and both are
 * followed. What comes of all ways is certain; the rest is told apart by what happens where no doubtful rule fits.
 */
import type {
  ByteRange,
  FilterChain,
  FilterCondition,
  FilterHook,
  FilterRule,
  FilterTable,
  FilterVerdict,
  PacketField,
  PacketPart,
  SetElement,
} from "./packet-filter.ts";

/** A packet at one hook. */
export interface JudgedPacket {
  readonly family: "inet" | "inet6" | "arp";
  readonly hook: FilterHook;
  /** What a field may be: any of these. Absent: anything. */
  readonly fields: Readonly<Partial<Record<PacketField, readonly Uint8Array[]>>>;
  /** The names of the interfaces by which it may come, for chains of single interfaces. */
  readonly devices?: readonly string[];
}

/** Where a packet ends: a chain's policy, or a rule of it. */
export interface FilterPlace {
  readonly source: FilterTable["source"];
  readonly family: FilterTable["family"];
  readonly table: string;
  /** The chain at the hook: a rule at its head is before everything that drops there. */
  readonly base: string;
  readonly chain: string;
  /** The rule's number; absent: the policy. */
  readonly rule?: number;
}

export type FilterJudgement =
  | { readonly kind: "passes" }
  /** Whatever the doubtful rules do: it is dropped there. */
  | { readonly kind: "dropped"; readonly place: FilterPlace }
  /** It is dropped there unless a rule that is not understood lets it through before. */
  | { readonly kind: "unclear"; readonly place: FilterPlace };

const ACCEPT = 1;
const DROP = 2;
const RETURN = 4;
const ANY = ACCEPT | DROP | RETURN;

/** What may become of a packet in a chain. */
interface Course {
  /** Bits of the above. */
  readonly possible: number;
  /** One of them: where no doubtful rule fits. */
  readonly usual: number;
  /** Where it is dropped, where it usually is. */
  readonly chain?: string | undefined;
  readonly rule?: number | undefined;
}

/** The kernel's limit (NFT_JUMP_STACK_SIZE, net/netfilter/nf_tables.h). */
const JUMPS_MAX = 16;
const UNKNOWN: Course = { possible: ANY, usual: RETURN };

/** Compares what a rule sees of a value with other bytes. Without garbage: it is done for each rule and packet. */
function comparePart(value: Uint8Array, { start, length, mask, xor }: PacketPart, other: Uint8Array): number {
  for (let index = 0; index < length && index < other.length; index += 1) {
    const seen = ((value[start + index] ?? 0) & (mask?.[index] ?? 0xff)) ^ (xor?.[index] ?? 0);
    const difference = seen - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isWithin(value: Uint8Array, part: PacketPart, { from, to }: ByteRange): boolean {
  return comparePart(value, part, from) >= 0 && comparePart(value, part, to) <= 0;
}

/** The values that a field may have; undefined: any. */
function valuesOf(packet: JudgedPacket, { field, start, length }: PacketPart): readonly Uint8Array[] | undefined {
  const values = packet.fields[field];
  // A part that lies outside is of a header of another kind.
  return values?.some((value) => value.length < start + length) === false ? values : undefined;
}

type Answer = "yes" | "no" | "maybe";

function fitsRanges(packet: JudgedPacket, part: PacketPart, ranges: readonly ByteRange[], negated: boolean): Answer {
  const values = valuesOf(packet, part);
  if (values === undefined) return "maybe";
  const fitting = values.filter((value) => ranges.some((range) => isWithin(value, part, range)) !== negated).length;
  if (fitting === 0) return "no";
  return fitting === values.length ? "yes" : "maybe";
}

class ChainWalk {
  readonly #table: FilterTable;
  readonly #packet: JudgedPacket;
  readonly #chains: ReadonlyMap<string, FilterChain>;
  readonly #known = new Map<string, Course>();

  constructor(table: FilterTable, packet: JudgedPacket, chains: ReadonlyMap<string, FilterChain>) {
    this.#table = table;
    this.#packet = packet;
    this.#chains = chains;
  }

  walk(chain: FilterChain, depth = 0): Course {
    let possible = 0;
    for (const rule of chain.rules) {
      const fits = this.#fits(rule);
      if (fits === "no") continue;
      const course = this.#courseOf(rule.verdict, depth, chain.name, rule);
      if (course === undefined) continue;
      // What returns from a jump goes on with the next rule.
      possible |= course.possible & (course.goesOn ? ~RETURN : ANY);
      if (fits === "maybe" || (course.goesOn && course.usual === RETURN)) continue;
      const rest = course.goesOn && (course.possible & RETURN) !== 0 ? this.#possibleAfter(chain, rule, depth) : 0;
      return { possible: possible | rest, usual: course.usual, chain: course.chain, rule: course.rule };
    }
    return { possible: possible | RETURN, usual: RETURN };
  }

  /** What may become of it behind a rule from which it usually does not come back. */
  #possibleAfter(chain: FilterChain, rule: FilterRule, depth: number): number {
    const rules = chain.rules.slice(chain.rules.indexOf(rule) + 1);
    return this.walk({ name: chain.name, rules }, depth).possible;
  }

  #fits(rule: FilterRule): Answer {
    let answer: Answer = "yes";
    for (const condition of rule.conditions) {
      const each = this.#answerOf(condition);
      if (each === "no") return "no";
      if (each === "maybe") answer = "maybe";
    }
    return answer;
  }

  #answerOf(condition: FilterCondition): Answer {
    if (condition.kind === "unknown") return "maybe";
    const { part, negated } = condition;
    const ranges = condition.kind === "range" ? condition.ranges : this.#table.sets.get(condition.set);
    return ranges === undefined ? "maybe" : fitsRanges(this.#packet, part, ranges, negated);
  }

  /** What a verdict leads to; undefined: on to the next rule. */
  #courseOf(
    verdict: FilterVerdict,
    depth: number,
    chain: string,
    { number: rule }: FilterRule,
  ): (Course & { readonly goesOn: boolean }) | undefined {
    switch (verdict.kind) {
      case "continue":
        return undefined;
      case "accept":
        return { possible: ACCEPT, usual: ACCEPT, goesOn: false };
      case "drop":
      case "reject":
        return { possible: DROP, usual: DROP, chain, rule, goesOn: false };
      case "return":
        return { possible: RETURN, usual: RETURN, goesOn: false };
      case "jump":
        return { ...this.#courseOfChain(verdict.chain, depth + 1), goesOn: true };
      case "goto":
        return { ...this.#courseOfChain(verdict.chain, depth + 1), goesOn: false };
      case "map":
        return { ...this.#courseOfMap(verdict, depth, chain, rule), goesOn: true };
      case "unknown":
        return { ...UNKNOWN, goesOn: true };
    }
  }

  #courseOfChain(name: string, depth: number): Course {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const chain = this.#chains.get(name);
    if (chain === undefined || depth > JUMPS_MAX) return UNKNOWN;
    // A chain that leads back to itself, which the kernel does not take, ends here.
    this.#known.set(name, UNKNOWN);
    const course = this.walk(chain, depth);
    this.#known.set(name, course);
    return course;
  }

  /** Without an element that fits, the rule ends and the next one comes. */
  #courseOfMap(
    { part, set }: Extract<FilterVerdict, { kind: "map" }>,
    depth: number,
    chain: string,
    rule: number,
  ): Course {
    const elements = this.#table.sets.get(set);
    if (elements === undefined) return UNKNOWN;
    const values = part === undefined ? undefined : valuesOf(this.#packet, part);
    const follow = (element: SetElement | undefined): Course => {
      const course = this.#courseOf(element?.verdict ?? { kind: "continue" }, depth, chain, {
        number: rule,
        conditions: [],
        verdict: { kind: "continue" },
      });
      return course ?? { possible: RETURN, usual: RETURN };
    };
    const courses =
      part === undefined || values === undefined
        ? [undefined, ...elements].map(follow)
        : values.map((value) => follow(elements.find((element) => isWithin(value, part, element))));
    const [only, ...others] = courses;
    if (only !== undefined && others.length === 0) return only;
    return { possible: courses.reduce((bits, course) => bits | course.possible, 0), usual: RETURN };
  }
}

/** ARP is filtered by the family of that name; IP by those that have it, and both by what is at single interfaces. */
const FAMILIES: Readonly<Record<JudgedPacket["family"], readonly FilterTable["family"][]>> = {
  inet: ["inet", "ip", "netdev"],
  inet6: ["inet", "ip6", "netdev"],
  arp: ["arp", "netdev"],
};

/** Chains that translate addresses drop nothing by design; their verdict is of the first packet of a connection only. */
function isPassedBy(table: FilterTable, chain: FilterChain, packet: JudgedPacket): boolean {
  const { base } = chain;
  if (base === undefined || base.type === "nat" || base.hook !== packet.hook) return false;
  if (!FAMILIES[packet.family].includes(table.family)) return false;
  return base.hook !== "ingress" || (packet.devices ?? []).some((device) => base.devices.includes(device));
}

/** Judges packets by the tables of a host. */
export class FilterJudge {
  readonly #tables: readonly {
    readonly table: FilterTable;
    readonly bases: readonly FilterChain[];
    readonly chains: ReadonlyMap<string, FilterChain>;
  }[];

  constructor(tables: readonly FilterTable[]) {
    this.#tables = tables.map((table) => ({
      table,
      bases: table.chains.filter(({ base }) => base !== undefined),
      chains: new Map(table.chains.map((chain) => [chain.name, chain])),
    }));
  }

  /** What becomes of a packet at its hook. All chains there must let it through; one that surely drops it is told first. */
  judge(packet: JudgedPacket): FilterJudgement {
    const judgements = this.#tables.flatMap(({ table, bases, chains }) =>
      bases
        .filter((chain) => isPassedBy(table, chain, packet))
        .map((chain) => outcomeOf(table, chain, new ChainWalk(table, packet, chains).walk(chain))),
    );
    return (
      judgements.find(({ kind }) => kind === "dropped") ??
      judgements.find(({ kind }) => kind === "unclear") ?? { kind: "passes" }
    );
  }
}

/** What the course through a chain at a hook means, with the chain's policy for what comes to its end. */
function outcomeOf(table: FilterTable, chain: FilterChain, course: Course): FilterJudgement {
  const ofPolicy = chain.base?.policy === "drop" ? DROP : ACCEPT;
  const possible = (course.possible & ~RETURN) | ((course.possible & RETURN) === 0 ? 0 : ofPolicy);
  const usual = course.usual === RETURN ? ofPolicy : course.usual;
  if (usual !== DROP) return { kind: "passes" };
  const { source, family, name } = table;
  const place: FilterPlace = {
    source,
    family,
    table: name,
    base: chain.name,
    chain: course.chain ?? chain.name,
    ...(course.rule === undefined ? {} : { rule: course.rule }),
  };
  return { kind: possible === DROP ? "dropped" : "unclear", place };
}
