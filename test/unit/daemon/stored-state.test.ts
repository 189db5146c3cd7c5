import { describe, expect, test } from "bun:test";
import { readStoredState } from "../../../src/daemon/stored-state.ts";
import { FAILBACK_STABLE_LIMIT_MS, TERM_LIMIT } from "../../../src/failover/settings.ts";

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
