import { expect, test } from "bun:test";
import { ProbePace } from "../../../../src/balance/servers/probe-pace.ts";

test("ProbePace tells how late the turns began, and of the last ones only", () => {
  const pace = new ProbePace();
  expect(pace.report(0)).toEqual({ turns: 0, inFlight: 0 });
  for (let lateMs = 1; lateMs <= 100; lateMs += 1) pace.note(lateMs);
  expect(pace.report(3)).toEqual({ turns: 100, inFlight: 3, late: { p50Ms: 50, p99Ms: 99, maxMs: 100 } });
  for (let turn = 0; turn < 10_000; turn += 1) pace.note(2);
  expect(pace.report(0).late).toEqual({ p50Ms: 2, p99Ms: 2, maxMs: 2 });
});
