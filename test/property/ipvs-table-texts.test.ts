import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseIpvsadm } from "../../src/import/ipvsadm.ts";
import { formatIpvsadm } from "../../src/import/ipvsadm-format.ts";
import { formatTable, parseTable } from "../../src/import/table-toml.ts";
import { anyTable } from "../support/table-arbitrary.ts";

test("parseTable() of what formatTable() writes is the same table", () => {
  fc.assert(
    fc.property(anyTable, (services) => {
      expect(parseTable(formatTable(services))).toEqual({ ok: true, services, warnings: [] });
    }),
    { numRuns: 300 },
  );
});

test("parseIpvsadm() of what formatIpvsadm() writes is the same table", () => {
  fc.assert(
    fc.property(anyTable, (services) => {
      expect(parseIpvsadm(formatIpvsadm(services))).toEqual({ ok: true, services, warnings: [] });
    }),
    { numRuns: 300 },
  );
});

const WORDS = [
  "ipvsadm",
  "-A",
  "-a",
  "-E",
  "-e",
  "-D",
  "-d",
  "-C",
  "-t",
  "-u",
  "-f",
  "-6",
  "-s",
  "-p",
  "-M",
  "-r",
  "-m",
  "-i",
  "-g",
  "-w",
  "-x",
  "-y",
  "-b",
  "-o",
  "--pe",
  "--tun-type",
  "--tun-port",
  "--tun-csum",
  "--sctp-service",
  "--set",
  "--",
  "-",
  "-mw3",
  "--weight=",
  "#",
  "1.2.3.4:80",
  "[::1]:80",
  "::1",
  "7",
  "-1",
  "sip",
  "gue",
  "gre",
  "255.255.255.0",
  "sh-port,flag-1",
  "wlc",
  "sh",
  "4294967296",
  "\u{1f600}",
];

test("parseIpvsadm() and parseTable() turn hostile texts into issues with a place, or into a table", () => {
  const lines = fc
    .array(fc.array(fc.constantFrom(...WORDS), { maxLength: 8 }), { maxLength: 5 })
    .map((words) => words.map((line) => line.join(" ")).join("\n"));
  const damaged = fc
    .tuple(anyTable, fc.boolean(), fc.nat(500), fc.nat(20), fc.constantFrom("", ...WORDS))
    .map(([table, isToml, at, length, word]) => {
      const text = isToml ? formatTable(table) : formatIpvsadm(table);
      return text.slice(0, at) + word + text.slice(at + length);
    });
  fc.assert(
    fc.property(fc.oneof(lines, fc.string({ unit: "binary", maxLength: 100 }), damaged), (text) => {
      for (const parse of [parseIpvsadm, parseTable]) {
        const result = parse(text);
        if (result.ok) continue;
        expect(result.issues.length).toBeGreaterThan(0);
        const source = text.split("\n");
        const misplaced = result.issues.filter(
          ({ line, column }) => (source[line - 1]?.length ?? -1) < column - 1 || column < 1,
        );
        expect(misplaced).toEqual([]);
      }
    }),
    { numRuns: 2000 },
  );
});
