/**
 * The real machine, searched through: two daemons in the simulator's world, without chance, and every two faults at moments of
 * a grid. `bun test/model/search.ts` goes on with more.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { step } from "../../src/failover/failover.ts";
import type { Input } from "../../src/failover/machine/failover-input.ts";
import type { State } from "../../src/failover/machine/state.ts";
import { type Finding, type Found, type Plan, play, Search, traceText } from "./machine/explore.ts";
import { FAULTS, faultNamed } from "./machine/faults.ts";
import { PINNED } from "./machine/pinned.ts";
import { REAL, Run } from "./machine/run.ts";
import { startNamed } from "./machine/starts.ts";

/**
 * Rule 19: two live owners last for a second. Rule 18: an interval, the lease and 1.1 s after the last frame everything that
 * a daemon can have renewed has ended; asking takes some milliseconds.
 */
const BOUNDS = { twoOwnersMs: 1_000, noOwnerMs: 200 + 3_000 + 1_100 + 50 };
const CONDITIONS = { machine: REAL, part: 0.5, bounds: BOUNDS };
const REST_STEPS = 30;
const IMAGED_STEPS = 10;

// Each search ends by its own count; how long that takes on a busy machine says nothing.
setDefaultTimeout(300_000);

function search(plan: Omit<Plan, keyof typeof CONDITIONS> & Partial<Plan>): Found {
  return new Search({ ...CONDITIONS, ...plan }).run();
}

function texts(findings: readonly Finding[]): readonly string[] {
  return findings.map((finding) => `${finding.problems.join("; ")}: ${traceText(finding)}`);
}

describe("two real machines with two faults", () => {
  test("keep their promises from rest", () => {
    const starts = [startNamed("the primary is active")];
    const { findings, moments } = search({ starts, faults: FAULTS, budget: 2, gaps: [0, 3] });
    expect(texts(findings)).toEqual([]);
    expect(moments).toBeGreaterThan(4_000);
  });

  test("keep them beside keys that differ", () => {
    const starts = [startNamed("the primary is active, and the keys differ")];
    const { findings, moments } = search({ starts, faults: FAULTS, budget: 2, gaps: [] });
    expect(texts(findings)).toEqual([]);
    expect(moments).toBeGreaterThan(1_000);
  });
});

describe("a run that goes on from an image is the run itself", () => {
  for (const { what: _, ...trace } of PINNED) {
    test(traceText(trace), () => {
      const run = play(trace, CONDITIONS);
      for (let steps = 0; steps < IMAGED_STEPS; steps += 1) {
        run.advance(1);
        const copy = new Run(run.save(), CONDITIONS);
        copy.advance(1);
        run.advance(1);
        expect(copy.digest).toEqual(run.digest);
        expect(copy.world.save()).toEqual(run.world.save());
      }
    });
  }
});

describe("a run that once broke a promise", () => {
  for (const { what, ...trace } of PINNED) {
    test(`${what}: ${traceText(trace)}`, () => {
      const run = play(trace, CONDITIONS);
      run.advance(REST_STEPS);
      expect([...run.problems, ...run.restProblems]).toEqual([]);
    });
  }
});

test("a router that took while its peer could not hear it gives the VIPs up when it sees nobody (rule 6)", () => {
  const events = [
    { afterSteps: 3, fault: faultNamed("cut from backup") },
    { afterSteps: 3, fault: faultNamed("isolate backup") },
  ];
  const run = play({ start: startNamed("the backup is active"), events }, CONDITIONS);
  run.advance(100);
  const { primary, backup } = run.world.hosts;
  expect([primary, backup].map((host) => host.process?.state.phase.kind)).toEqual(["active", "standby"]);
});

/** A machine that does not hear of some inputs. */
function deafTo(isIgnored: (state: State, input: Input) => boolean): Plan["machine"] {
  return {
    ...REAL,
    step: (state, input, nowMs) => (isIgnored(state, input) ? { state, effects: [] } : step(state, input, nowMs)),
  };
}

describe("the search finds a machine that", () => {
  test("takes no notice of what the peer's kernel answers", () => {
    const starts = [startNamed("the primary is active")];
    const plan = { starts, faults: [faultNamed("keys")], budget: 1, gaps: [] };
    const machine = deafTo((_, input) => input.kind === "owner-answer");
    expect(texts(search({ ...plan, machine }).findings)).toContain(
      "two owners for 1000 ms: the primary is active, +0 s keys",
    );
    expect(texts(search(plan).findings)).toEqual([]);
  });

  test("does not look for a second owner", () => {
    const starts = [startNamed("the primary is active, and the keys differ")];
    const plan = { starts, faults: [faultNamed("isolate primary")], budget: 2, gaps: [1, 10] };
    const machine = deafTo(({ phase }, input) => input.kind === "owner-answer" && phase.kind === "active");
    expect(texts(search({ ...plan, machine }).findings)).not.toEqual([]);
    expect(texts(search(plan).findings)).toEqual([]);
  });

  test("throws", () => {
    const starts = [startNamed("the primary is active")];
    const plan = { starts, faults: [faultNamed("kill primary")], budget: 1, gaps: [] };
    const machine: Plan["machine"] = {
      ...REAL,
      step: (state, input, nowMs) => {
        const result = step(state, input, nowMs);
        const isSilent = result.state.phase.kind === "active" && result.state.phase.reason === "peer-silent";
        if (isSilent) throw new Error("it took by silence");
        return result;
      },
    };
    expect(texts(search({ ...plan, machine }).findings)).toContain(
      "the backup's machine broke: it took by silence: the primary is active, +0 s kill primary",
    );
    expect(texts(search(plan).findings)).toEqual([]);
  });
});
