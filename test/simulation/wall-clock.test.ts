/**
 * Clock steps. The failover machine takes no wall clock, nor does what it stores; so a wall clock that jumps by an hour
 * each time that it is read must not change a storm, which has restarts from stored state among its faults.
 */
import { afterEach, expect, test } from "bun:test";
import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import { runChaos, WEATHERS } from "./chaos.ts";
import type { Machine } from "./router-host.ts";
import type { Run } from "./run-single-fault.ts";

const HOUR_MS = 3_600_000;
const MACHINE: Machine = { createState, step, nextDeadline };
const RealDate = globalThis.Date;

let reads = 0;

/** Steps by an hour at each look, to and fro. */
function steppedMs(): number {
  reads += 1;
  return RealDate.now() + (reads % 2 === 0 ? HOUR_MS : -HOUR_MS);
}

class SteppingDate extends RealDate {
  constructor() {
    super(steppedMs());
  }

  static override now(): number {
    return steppedMs();
  }
}

function stormUnderSteps(machine: Machine, weather: (typeof WEATHERS)[number]): Run {
  globalThis.Date = SteppingDate as DateConstructor;
  return runChaos(weather, 7, machine);
}

afterEach(() => {
  globalThis.Date = RealDate;
  reads = 0;
});

test.each(WEATHERS)("a storm ($name) is the same while the wall clock steps by hours", (weather) => {
  const calm = runChaos(weather, 7, MACHINE);
  expect(stormUnderSteps(MACHINE, weather)).toEqual(calm);
  expect(reads).toBe(0);
});

test("a machine that reads the wall clock is noticed", () => {
  const [weather] = WEATHERS;
  if (weather === undefined) throw new Error("no weather");
  const startMs = RealDate.now();
  const reader: Machine = {
    ...MACHINE,
    step: (state, input, nowMs) => step(state, input, nowMs + (Date.now() - startMs > 0 ? 1 : 0)),
  };
  expect(stormUnderSteps(reader, weather)).not.toEqual(runChaos(weather, 7, MACHINE));
  expect(reads).toBeGreaterThan(0);
});
