import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseIpvsadm } from "../../src/import/ipvsadm/ipvsadm.ts";
import { formatIpvsadm } from "../../src/import/ipvsadm/ipvsadm-format.ts";
import type { SavedSettings } from "../../src/import/table/table-settings.ts";
import { formatTable, parseTable } from "../../src/import/table/table-toml.ts";
import { address } from "../../src/model/address.ts";
import { SYNC_DAEMON_STATES, type SyncDaemon } from "../../src/model/sync-daemon.ts";
import { anyTable } from "../support/table-arbitrary.ts";

const seconds = fc.nat(21_474_836);

/** Each state once; what a kernel lists has every field. */
const daemons = fc.subarray([...SYNC_DAEMON_STATES]).chain((states) =>
  fc.tuple(
    ...states.map((state) =>
      fc.record<SyncDaemon>({
        state: fc.constant(state),
        interface: fc.constantFrom("eth0", "bond0.17", "a-15-byte-name0"),
        syncId: fc.nat(255),
        group: fc.constantFrom("224.0.0.81", "239.255.0.1", "ff02::81").map(address),
        port: fc.integer({ min: 1, max: 65_535 }),
        ttl: fc.integer({ min: 1, max: 255 }),
        maxLengthBytes: fc.integer({ min: 1, max: 65_535 }),
      }),
    ),
  ),
);

const settings = fc.record<SavedSettings>({
  timeouts: fc.record({ tcpSeconds: seconds, tcpFinSeconds: seconds, udpSeconds: seconds }),
  daemons,
});

test("parseTable() brings timeouts and sync daemons back beside the services", () => {
  fc.assert(
    fc.property(anyTable, settings, (services, saved) => {
      expect(parseTable(formatTable(services, saved))).toEqual({ ok: true, services, settings: saved, warnings: [] });
    }),
  );
});

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
    .tuple(anyTable, fc.option(settings), fc.boolean(), fc.nat(500), fc.nat(20), fc.constantFrom("", ...WORDS))
    .map(([table, saved, isToml, at, length, word]) => {
      const text = isToml ? formatTable(table, saved ?? undefined) : formatIpvsadm(table);
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
