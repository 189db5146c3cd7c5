import { describe, expect, test } from "bun:test";
import { readChain, readElements, toSetElements } from "../../../../src/wire/filter/nftables.ts";
import { readRule } from "../../../../src/wire/filter/nftables-rule.ts";
import { hex, toHex } from "../../../support/hex.ts";
import {
  BASE_CHAIN,
  INGRESS_CHAIN,
  INTERVALS,
  JUMP_RULE,
  MAP_ELEMENTS,
  MAP_RULE,
  PLAIN_CHAIN,
  SET_RULE,
  STATE_RULE,
} from "../../../support/nftables-messages.ts";

describe("readChain()", () => {
  test.each([
    [
      BASE_CHAIN,
      {
        family: "inet",
        table: "f",
        name: "input",
        base: { hook: "input", type: "filter", policy: "drop", devices: [] },
      },
    ],
    [
      INGRESS_CHAIN,
      {
        family: "netdev",
        table: "n",
        name: "in",
        base: { hook: "ingress", type: "filter", policy: "accept", devices: ["lo"] },
      },
    ],
    [PLAIN_CHAIN, { family: "inet", table: "f", name: "other" }],
  ])("reads hook, policy and interfaces (%#)", (payload, chain) => {
    expect(readChain(payload)).toEqual(chain as ReturnType<typeof readChain>);
  });

  test("leaves out families that are not known", () => {
    const other = BASE_CHAIN.slice();
    other[0] = 99;
    expect(readChain(other)).toBeUndefined();
  });
});

describe("readRule()", () => {
  test("follows what is compared back to the packet's fields", () => {
    const value = (field: string, length: number, bytes: string) => ({
      kind: "range",
      part: { field, start: 0, length },
      ranges: [{ from: hex(bytes), to: hex(bytes) }],
      negated: false,
    });
    expect<unknown>(readRule(SET_RULE)).toEqual({
      family: "inet",
      table: "f",
      chain: "input",
      rule: {
        number: 4,
        conditions: [
          value("family", 1, "02"),
          value("source", 1, "0a"),
          value("protocol", 1, "06"),
          { kind: "set", part: { field: "destination-port", start: 0, length: 2 }, set: "__set0", negated: false },
        ],
        verdict: { kind: "accept" },
      },
    });
  });

  test("follows bits that are masked", () => {
    expect<unknown>(readRule(STATE_RULE)?.rule.conditions).toEqual([
      {
        kind: "range",
        part: { field: "conntrack-state", start: 0, length: 4, mask: hex("06000000"), xor: hex("00000000") },
        ranges: [{ from: hex("00000000"), to: hex("00000000") }],
        negated: true,
      },
    ]);
  });

  test("reads verdict maps, and doubts what it does not know", () => {
    expect([MAP_RULE, JUMP_RULE].map((payload) => readRule(payload)?.rule)).toEqual([
      {
        number: 8,
        conditions: [],
        verdict: { kind: "map", part: { field: "conntrack-state", start: 0, length: 4 }, set: "__map0" },
      },
      { number: 9, conditions: [{ kind: "unknown" }], verdict: { kind: "jump", chain: "other" } },
    ]);
  });
});

describe("toSetElements()", () => {
  const texts = (payload: Uint8Array) =>
    toSetElements(readElements(payload))?.map(({ from, to, verdict }) => [toHex(from), toHex(to), verdict?.kind]);

  test("makes ranges of the ends of intervals", () => {
    expect(texts(INTERVALS)).toEqual([
      ["0016", "0016", undefined],
      ["0050", "005a", undefined],
    ]);
  });

  test("keeps the verdicts of a map", () => {
    expect(texts(MAP_ELEMENTS)).toEqual([
      ["01000000", "01000000", "drop"],
      ["02000000", "02000000", "accept"],
    ]);
  });

  test("gives up on what has no single key", () => {
    const element = {
      key: undefined,
      keyEnd: undefined,
      isIntervalEnd: false,
      isCatchAll: true,
      verdict: undefined,
    } as const;
    expect(toSetElements([element])).toBeUndefined();
  });
});
