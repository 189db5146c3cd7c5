import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readSharedEntries, readStoredState } from "../../../../src/daemon/status/stored-state.ts";
import { FAILBACK_STABLE_LIMIT_MS, TERM_LIMIT } from "../../../../src/failover/machine/settings.ts";
import { sharedEntry } from "../../../support/heartbeats.ts";

const STORED = { term: 4, lastActiveTerm: 2, hold: false, peerMacs: [], failbackStableMs: 60_000 };

function read(change: object) {
  const problems: string[] = [];
  const stored = readStoredState({ ...STORED, ...change }, (problem) => problems.push(problem));
  return { stored, problems: problems.length };
}

describe("readStoredState()", () => {
  test("reads what was written, up to the limits", () => {
    const limits = { term: TERM_LIMIT, failbackStableMs: FAILBACK_STABLE_LIMIT_MS };
    expect(read(limits)).toEqual({ stored: { ...STORED, ...limits }, problems: 0 } as ReturnType<typeof read>);
  });

  const mac = { interface: "eth0", mac: "02:00:00:00:02:00" };
  test.each([
    ["a term that the wire cannot carry", { term: 2 ** 33 }],
    ["a term that leaves no room for the next one", { term: 0xffff_ffff }],
    ["a last active term that cannot be", { lastActiveTerm: TERM_LIMIT + 1 }],
    ["a stability beyond its limit", { failbackStableMs: 1e300 }],
    ["a negative stability", { failbackStableMs: -1 }],
    ["more MACs than interfaces", { peerMacs: Array.from({ length: 1_000 }, () => mac) }],
  ])("leaves a state aside that has %s", (_, change) => {
    expect(read(change)).toEqual({ stored: undefined, problems: 1 });
  });
});

test("readSharedEntries() reads back whatever operators ordered", () => {
  const known = sharedEntry.filter(({ revision }) => revision <= 2 ** 31);
  fc.assert(
    fc.property(fc.array(known, { maxLength: 6 }), (entries) => {
      const problems: string[] = [];
      const read = readSharedEntries(JSON.parse(JSON.stringify({ version: 1, entries })), (why) => problems.push(why));
      expect([read, problems]).toEqual([entries, []]);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["another forwarding", { forward: "bypass" }],
  ["a weight that the kernel refuses", { weight: 2 ** 31 }],
  ["a negative threshold", { lowerThreshold: -1 }],
  ["a tunnel of no kind", { tunnel: { type: "vxlan", port: 0, checksum: "none" } }],
])("readSharedEntries() leaves a kept server aside that has %s", (_what, wrong) => {
  const settings = { forward: "nat", weight: 1, upperThreshold: 0, lowerThreshold: 0, ...wrong };
  const service = { kind: "fwmark", mark: 7, family: "inet" };
  const server = { address: { family: "inet", text: "10.0.0.11" }, port: 80 };
  const entry = { kind: "kept", service, server, change: { kind: "present", settings }, revision: 1, by: "primary" };
  const problems: string[] = [];
  expect(readSharedEntries({ entries: [entry] }, (why) => problems.push(why))).toBeUndefined();
  expect(problems).toHaveLength(1);
});
