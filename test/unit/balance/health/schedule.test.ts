import { describe, expect, test } from "bun:test";
import {
  BEGIN_MAX,
  NETWORK_PROBES_MAX,
  PROGRAM_PROBES_MAX,
  ProbeSchedule,
} from "../../../../src/balance/health/schedule.ts";

function probes(count: number, program = false, intervalMs = 1_000) {
  return Array.from({ length: count }, (_, index) => ({ key: `p${index}`, intervalMs, program }));
}

/** Runs the schedule over some time; each probe ends after `lastsMs`. */
function run(schedule: ProbeSchedule, fromMs: number, untilMs: number, lastsMs = 0): { atMs: number; key: string }[] {
  const begun: { atMs: number; key: string }[] = [];
  const ends: { atMs: number; key: string }[] = [];
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 1) {
    while (ends[0] !== undefined && ends[0].atMs <= nowMs) schedule.finished(ends.shift()?.key ?? "");
    for (const key of schedule.takeDue(nowMs)) {
      begun.push({ atMs: nowMs, key });
      ends.push({ atMs: nowMs + lastsMs, key });
    }
  }
  return begun;
}

describe("ProbeSchedule", () => {
  test("starts a few probes soon, each at a time of its own", () => {
    const schedule = new ProbeSchedule();
    schedule.replace(probes(50), 1, 1_000);
    const begun = run(schedule, 1_000, 1_100);
    expect(begun.length).toBe(50);
    expect(new Set(begun.map(({ atMs }) => atMs)).size).toBeGreaterThan(25);
  });

  test("spreads very many over their interval", () => {
    const schedule = new ProbeSchedule();
    schedule.replace(probes(2_000), 1, 0);
    const perTenth = Array.from({ length: 10 }, () => 0);
    for (const { atMs } of run(schedule, 0, 999))
      perTenth[Math.floor(atMs / 100)] = (perTenth[Math.floor(atMs / 100)] ?? 0) + 1;
    expect(Math.min(...perTenth)).toBeGreaterThan(150);
    expect(Math.max(...perTenth)).toBeLessThan(250);
  });

  test("lets very many begin together, every ten milliseconds or a fiftieth of their interval", () => {
    for (const [intervalMs, stepMs] of [
      [1_000, 10],
      [100, 2],
    ] as const) {
      const schedule = new ProbeSchedule();
      schedule.replace(probes(2_000, false, intervalMs), 1, 0);
      const begun = run(schedule, 0, intervalMs).map(({ atMs }) => atMs % stepMs);
      expect([begun.length >= 2_000, new Set(begun)]).toEqual([true, new Set([0])]);
    }
  });

  test("gives two routers different times", () => {
    const starts = [1, 2].map((seed) => {
      const schedule = new ProbeSchedule();
      schedule.replace(probes(10), seed, 0);
      return run(schedule, 0, 100);
    });
    expect(starts[0]).not.toEqual(starts[1]);
  });

  test("keeps the beat of a probe that was begun late", () => {
    const schedule = new ProbeSchedule();
    schedule.replace([{ key: "p", intervalMs: 100, program: false }], 1, 0);
    const firstMs = schedule.nextMs() ?? 0;
    schedule.takeDue(firstMs + 70);
    schedule.finished("p");
    expect(schedule.nextMs()).toBe(firstMs + 100);
  });

  test("makes up for no missed turns", () => {
    const schedule = new ProbeSchedule();
    schedule.replace([{ key: "p", intervalMs: 100, program: false }], 1, 0);
    const firstMs = schedule.nextMs() ?? 0;
    expect(schedule.takeDue(firstMs + 1_050)).toEqual(["p"]);
    expect(schedule.nextMs()).toBe(firstMs + 1_100);
  });

  test("never lets a probe overlap itself", () => {
    const schedule = new ProbeSchedule();
    schedule.replace([{ key: "p", intervalMs: 100, program: false }], 1, 0);
    const begun = run(schedule, 0, 1_000, 250).map(({ atMs }) => atMs);
    expect(begun.slice(1).map((atMs, index) => atMs - (begun[index] ?? 0))).toEqual([300, 300, 300]);
  });

  test.each([
    ["network", false, NETWORK_PROBES_MAX],
    ["program", true, PROGRAM_PROBES_MAX],
  ])("has a limit of %s probes in flight, and begins the others as room comes", (_kind, program, limit) => {
    const schedule = new ProbeSchedule();
    schedule.replace(probes(limit + 10, program, 60_000), 1, 0);
    const first: string[] = [];
    while (schedule.nextMs() !== undefined && (schedule.nextMs() ?? 0) <= 60_000) {
      const begun = schedule.takeDue(60_000);
      expect(begun.length).toBeLessThanOrEqual(BEGIN_MAX);
      first.push(...begun);
    }
    expect([first.length, schedule.inFlight, schedule.takeDue(60_000).length]).toEqual([limit, limit, 0]);
    for (const key of first.slice(0, 4)) schedule.finished(key);
    expect(schedule.takeDue(60_000).length).toBe(4);
  });

  test("keeps the beat of probes over a reload, and drops those that are gone", () => {
    const schedule = new ProbeSchedule();
    schedule.replace(probes(2), 1, 0);
    const before = run(schedule, 0, 999).map(({ atMs, key }) => ({ atMs: atMs + 1_000, key }));
    schedule.replace(probes(1), 1, 1_000);
    expect(run(schedule, 1_000, 1_999)).toEqual(before.filter(({ key }) => key === "p0"));
  });
});
