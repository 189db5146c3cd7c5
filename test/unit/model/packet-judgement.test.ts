import { describe, expect, test } from "bun:test";
import type { FilterCondition, FilterRule, FilterTable, FilterVerdict } from "../../../src/model/packet-filter.ts";
import { FilterJudge, type JudgedPacket } from "../../../src/model/packet-judgement.ts";

const PACKET: JudgedPacket = {
  family: "inet",
  hook: "forward",
  fields: { protocol: [Uint8Array.of(6)], "source-port": [Uint8Array.of(0, 80), Uint8Array.of(1, 187)] },
};

const UNKNOWN: FilterCondition = { kind: "unknown" };

function byte(field: "protocol" | "source", value: number, negated = false): FilterCondition {
  const bytes = Uint8Array.of(value);
  return { kind: "range", part: { field, start: 0, length: 1 }, ranges: [{ from: bytes, to: bytes }], negated };
}

function port(value: number): FilterCondition {
  const bytes = Uint8Array.of(value >> 8, value & 0xff);
  const part = { field: "source-port", start: 0, length: 2 } as const;
  return { kind: "range", part, ranges: [{ from: bytes, to: bytes }], negated: false };
}

const to = (chain: string): FilterVerdict => ({ kind: "jump", chain });
const [ACCEPT, DROP, RETURN]: readonly FilterVerdict[] = [{ kind: "accept" }, { kind: "drop" }, { kind: "return" }];

type Rule = readonly [FilterVerdict | undefined, ...FilterCondition[]];

function rules(list: readonly Rule[]): FilterRule[] {
  return list.map(([verdict, ...conditions], index) => ({
    number: index + 1,
    conditions,
    verdict: verdict ?? { kind: "continue" },
  }));
}

/** What becomes of the packet, with the rule or policy that has dropped it. */
function judge(policy: "accept" | "drop", base: readonly Rule[], others: Record<string, readonly Rule[]> = {}) {
  const table: FilterTable = {
    source: "nf_tables",
    family: "ip",
    name: "filter",
    sets: new Map(),
    chains: [
      { name: "FORWARD", base: { hook: "forward", type: "filter", policy, devices: [] }, rules: rules(base) },
      ...Object.entries(others).map(([name, list]) => ({ name, rules: rules(list) })),
    ],
  };
  const judgement = new FilterJudge([table]).judge(PACKET);
  if (judgement.kind === "passes") return "passes";
  const { chain, rule } = judgement.place;
  return `${judgement.kind} by ${chain} ${rule ?? "policy"}`;
}

describe("FilterJudge", () => {
  test.each<[string, string, Parameters<typeof judge>]>([
    ["a policy", "dropped by FORWARD policy", ["drop", []]],
    ["a policy that accepts", "passes", ["accept", []]],
    ["a rule that surely accepts", "passes", ["drop", [[ACCEPT, byte("protocol", 6)]]]],
    ["a rule that surely does not fit", "dropped by FORWARD policy", ["drop", [[ACCEPT, byte("protocol", 17)]]]],
    ["a negated one", "passes", ["drop", [[ACCEPT, byte("protocol", 17, true)]]]],
    ["a field that is not known", "unclear by FORWARD policy", ["drop", [[ACCEPT, byte("source", 10)]]]],
    ["one of two possible values", "unclear by FORWARD policy", ["drop", [[ACCEPT, port(80)]]]],
    [
      "a doubtful condition beside a false one",
      "dropped by FORWARD policy",
      ["drop", [[ACCEPT, UNKNOWN, byte("protocol", 17)]]],
    ],
    ["a doubtful drop on a host that accepts", "passes", ["accept", [[DROP, UNKNOWN]]]],
    [
      "a plain drop on a host that accepts",
      "dropped by FORWARD 2",
      ["accept", [[undefined], [DROP, byte("protocol", 6)]]],
    ],
    ["a drop behind a doubtful accept", "unclear by FORWARD 2", ["accept", [[ACCEPT, UNKNOWN], [DROP]]]],
    ["a drop behind an accept", "passes", ["accept", [[ACCEPT], [DROP]]]],
    ["a chain that drops", "dropped by other 1", ["accept", [[to("other")]], { other: [[DROP]] }]],
    ["a chain that returns", "dropped by FORWARD policy", ["drop", [[to("other")]], { other: [[RETURN], [ACCEPT]] }]],
    ["a chain that accepts", "passes", ["drop", [[to("other")]], { other: [[ACCEPT]] }]],
    [
      "a chain that may accept",
      "unclear by FORWARD 2",
      ["drop", [[to("other")], [DROP]], { other: [[ACCEPT, UNKNOWN]] }],
    ],
    ["a chain that is not known", "unclear by FORWARD policy", ["drop", [[to("missing")]]]],
    ["a chain that leads to itself", "unclear by FORWARD policy", ["drop", [[to("a")]], { a: [[to("a")]] }]],
    [
      "a drop from which a doubtful return leads on to an accept",
      "unclear by other 2",
      ["drop", [[to("other")], [ACCEPT]], { other: [[RETURN, UNKNOWN], [DROP]] }],
    ],
    ["a verdict that is not known", "unclear by FORWARD policy", ["drop", [[{ kind: "unknown" }]]]],
    ["a goto", "dropped by FORWARD policy", ["drop", [[{ kind: "goto", chain: "other" }], [ACCEPT]], { other: [] }]],
  ])("%s", (_title, expected, args) => {
    expect(judge(...args)).toBe(expected);
  });
});
