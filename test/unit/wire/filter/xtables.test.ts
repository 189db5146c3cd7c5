import { describe, expect, test } from "bun:test";
import { matchConditions, targetVerdict } from "../../../../src/wire/filter/xtables.ts";
import { hex, toHex } from "../../../support/hex.ts";

/** A condition in short: `destination-port+0..2 in 0050-005a`. */
function short(name: string, revision: number, info: string): string[] {
  return matchConditions(name, revision, hex(info)).map((condition) => {
    if (condition.kind !== "range") return condition.kind;
    const { part, ranges, negated } = condition;
    const mask = part.mask === undefined ? "" : `&${toHex(part.mask)}`;
    const among = ranges.map(({ from, to }) => `${toHex(from)}-${toHex(to)}`).join(" ");
    return `${part.field}+${part.start}..${part.length}${mask} ${negated ? "not in" : "in"} ${among}`;
  });
}

describe("matchConditions()", () => {
  test.each<[string, number, string, string[]]>([
    ["comment", 0, "00", []],
    ["udp", 0, "0000ffff 3500 3500 00 00", ["protocol+0..1 in 11-11", "destination-port+0..2 in 0035-0035"]],
    ["udp", 0, "3500 3500 0000ffff 01 00", ["protocol+0..1 in 11-11", "source-port+0..2 not in 0035-0035"]],
    ["tcp", 0, "0000ffff 0000ffff 00 02 02 00", ["protocol+0..1 in 06-06", "unknown"]],
    ["state", 0, "06000000", ["conntrack-state+0..4&06000000 not in 00000000-00000000"]],
    ["state", 0, "40000000", ["conntrack-state+0..4&40000000 not in 00000000-00000000"]],
    [
      "multiport",
      1,
      `01 03 5000 0004 ff07 ${"0000".repeat(12)} 00 01 00 ${"00".repeat(12)} 00`,
      ["destination-port+0..2 in 0050-0050 0400-07ff"],
    ],
    ["multiport", 1, `02 01 5000 ${"0000".repeat(14)} ${"00".repeat(15)} 00`, ["unknown"]],
    ["addrtype", 1, "0000 2400 00000000", ["destination-type+0..4 in 02000000-02000000 05000000-05000000"]],
    ["addrtype", 1, "0000 0400 02000000", ["destination-type+0..4 not in 02000000-02000000"]],
    ["addrtype", 1, "0400 0000 00000000", ["unknown"]],
    ["icmp6", 0, "87 00 ff 00", ["protocol+0..1 in 3a-3a", "source-port+0..1 in 87-87"]],
    ["recent", 0, "", ["unknown"]],
  ])("%s, revision %d: %s", (name, revision, info, conditions) => {
    expect(short(name, revision, info)).toEqual(conditions);
  });

  test.each(["udp", "tcp", "state", "multiport", "addrtype", "icmp6"])("%s that is too short is refused", (name) => {
    expect(() => matchConditions(name, 1, hex("01"))).toThrow(/needs \d+ bytes/);
  });

  test("conntrack that is too short is refused", () => {
    expect(() => matchConditions("conntrack", 3, new Uint8Array(150))).toThrow("state_mask: u16 needs 2 bytes, got 0");
  });
});

test("targetVerdict() tells what ends a packet from what goes on", () => {
  expect(["REJECT", "LOG", "TCPMSS", "NFQUEUE", "?"].map((name) => targetVerdict(name).kind)).toEqual([
    "reject",
    "continue",
    "continue",
    "unknown",
    "unknown",
  ]);
});
