import { expect, test } from "bun:test";
import fc from "fast-check";
import { ProbeSchedule } from "../../src/balance/health/schedule.ts";
import { slowStartWeight } from "../../src/balance/health/slow-start.ts";
import { judgeOutcome, UNKNOWN_HEALTH } from "../../src/balance/health/verdict.ts";
import { PROBE_FAILURES } from "../../src/model/health-check.ts";
import { failed, SUCCESS, TCP_CHECK } from "../support/balance-fixtures.ts";

const anyOutcome = fc.oneof(fc.constant(SUCCESS), fc.constantFrom(...PROBE_FAILURES).map(failed));

test("judgeOutcome() never goes down before `fall` failures in a row, nor up again before `rise` successes", () => {
  const anyRun = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(anyRun, anyRun, fc.array(anyOutcome, { maxLength: 60 }), (rise, fall, outcomes) => {
      let health = UNKNOWN_HEALTH;
      outcomes.forEach((outcome, index) => {
        const after = judgeOutcome(health, outcome, { ...TCP_CHECK, rise, fall }, index);
        // What was never judged needs one success.
        const needed = after.verdict === "down" ? fall : health.verdict === "unknown" ? 1 : rise;
        const row = outcomes.slice(Math.max(0, index + 1 - needed), index + 1);
        const uniform =
          row.length === needed && row.every(({ result }) => (result === "success") === (after.verdict === "up"));
        // A verdict changes with a whole row that agrees, and only then.
        if (after.verdict !== health.verdict) expect(uniform).toBe(true);
        if (outcome.result === "success" && after.last?.streak === rise) expect(after.verdict).toBe("up");
        if (health.verdict === "unknown" && outcome.result === "success") expect(after.verdict).toBe("up");
        if (outcome.result === "failure" && after.last?.streak === fall) expect(after.verdict).toBe("down");
        health = after;
      });
    }),
    { numRuns: 1_000 },
  );
});

test("slowStartWeight() never falls with time, is between 1 and the weight, and says when it changes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 65_535 }),
      fc.integer({ min: 1, max: 600_000 }),
      fc.array(fc.integer({ min: 0, max: 700_000 }), { minLength: 1, maxLength: 30 }),
      (weight, slowStartMs, times) => {
        let last = 0;
        for (const nowMs of times.sort((a, b) => a - b)) {
          const slow = slowStartWeight(weight, 0, slowStartMs, nowMs);
          expect(slow.weight).toBeGreaterThanOrEqual(Math.max(1, last));
          expect(slow.weight).toBeLessThanOrEqual(weight);
          if (slow.nextMs !== undefined) expect(slow.nextMs).toBeGreaterThan(nowMs);
          last = slow.weight;
        }
        expect(slowStartWeight(weight, 0, slowStartMs, slowStartMs)).toEqual({ weight });
      },
    ),
    { numRuns: 1_000 },
  );
});

test("ProbeSchedule begins each probe once an interval, however late it is called", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 5, max: 200 }), { minLength: 1, maxLength: 20 }),
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 100 }),
      fc.nat(),
      (intervals, steps, seed) => {
        const schedule = new ProbeSchedule();
        schedule.replace(
          intervals.map((intervalMs, index) => ({ key: `${index}`, intervalMs, program: false })),
          seed,
          0,
        );
        const last = new Map<string, number>();
        let nowMs = 0;
        for (const step of steps) {
          nowMs += step;
          for (const key of schedule.takeDue(nowMs)) {
            schedule.finished(key);
            const turn = intervals[Number(key)] ?? 0;
            // Two begins lie in different turns of the beat: at least one step of it apart, less the lateness of the first.
            expect(last.has(key) && nowMs === last.get(key)).toBe(false);
            expect(schedule.nextMs() ?? 0).toBeGreaterThan(nowMs);
            expect((schedule.nextMs() ?? 0) - nowMs).toBeLessThanOrEqual(Math.max(turn, ...intervals));
            last.set(key, nowMs);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});
