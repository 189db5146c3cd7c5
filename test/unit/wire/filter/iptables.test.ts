import { describe, expect, test } from "bun:test";
import { readTable, readTableInfo } from "../../../../src/wire/filter/iptables.ts";
import { hex } from "../../../support/hex.ts";
import {
  answerBytes,
  conntrackMatch,
  infoBytes,
  type TableText,
  tableBytes,
  tcpMatch,
} from "../../../support/iptables-table.ts";

function read(text: TableText, inet6 = false) {
  const bytes = tableBytes(text, inet6);
  return readTable(inet6 ? "ip6" : "ip", readTableInfo(infoBytes(bytes)), answerBytes(bytes));
}

const exactly = (field: string, length: number, bytes: string, mask: string) => ({
  kind: "range",
  part: { field, start: 0, length, mask: hex(mask) },
  ranges: [{ from: hex(bytes), to: hex(bytes) }],
  negated: false,
});

describe("readTable()", () => {
  test("reads policies, rules and jumps", () => {
    const table = read({
      policies: { FORWARD: "DROP" },
      rules: {
        FORWARD: [{ target: { jump: "DOCKER-USER" } }, { inInterface: "eth1", target: "ACCEPT" }],
        "DOCKER-USER": [
          { source: hex("0a00000b"), protocol: 6, target: { extension: "REJECT" } },
          { target: { extension: "LOG" } },
        ],
      },
    });
    const base = (hook: string, policy: string) => ({ hook, type: "filter", policy, devices: [] });
    expect<unknown>(table).toEqual({
      source: "iptables",
      family: "ip",
      name: "filter",
      sets: new Map(),
      chains: [
        { name: "INPUT", base: base("input", "accept"), rules: [] },
        {
          name: "FORWARD",
          base: base("forward", "drop"),
          rules: [
            { number: 1, conditions: [], verdict: { kind: "jump", chain: "DOCKER-USER" } },
            {
              number: 2,
              conditions: [exactly("in-interface", 16, "65746831".padEnd(32, "0"), "ffffffffff".padEnd(32, "0"))],
              verdict: { kind: "accept" },
            },
          ],
        },
        { name: "OUTPUT", base: base("output", "accept"), rules: [] },
        {
          name: "DOCKER-USER",
          rules: [
            {
              number: 1,
              conditions: [exactly("source", 4, "0a00000b", "ffffffff"), exactly("protocol", 1, "06", "ff")],
              verdict: { kind: "reject" },
            },
            { number: 2, conditions: [], verdict: { kind: "continue" } },
            { number: 3, conditions: [], verdict: { kind: "return" } },
          ],
        },
      ],
    });
  });

  test("reads ports and states of matches, also of IPv6", () => {
    const table = read(
      {
        rules: {
          INPUT: [{ protocol: 6, matches: [tcpMatch([0, 65535], [80, 90]), conntrackMatch(6)], target: "DROP" }],
        },
      },
      true,
    );
    const zero = hex("00000000");
    expect<unknown>(table.chains[0]?.rules).toEqual([
      {
        number: 1,
        conditions: [
          exactly("protocol", 1, "06", "ff"),
          {
            kind: "range",
            part: { field: "protocol", start: 0, length: 1 },
            ranges: [{ from: hex("06"), to: hex("06") }],
            negated: false,
          },
          {
            kind: "range",
            part: { field: "destination-port", start: 0, length: 2 },
            ranges: [{ from: hex("0050"), to: hex("005a") }],
            negated: false,
          },
          {
            kind: "range",
            part: { field: "conntrack-state", start: 0, length: 4, mask: hex("06000000") },
            ranges: [{ from: zero, to: zero }],
            negated: true,
          },
        ],
        verdict: { kind: "drop" },
      },
    ]);
  });
});
