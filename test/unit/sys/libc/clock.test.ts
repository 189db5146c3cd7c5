import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { monotonicMs, realtimeMs } from "../../../../src/sys/libc/clock.ts";

test("monotonicMs() never goes back and has a fraction", () => {
  const times = Array.from({ length: 1_000 }, monotonicMs);
  expect(times.toSorted((a, b) => a - b)).toEqual(times);
  expect(times.some((time) => !Number.isInteger(time))).toBe(true);
});

test("monotonicMs() counts from the start of the machine, so that processes can compare it", () => {
  const nowMs = monotonicMs();
  // Read later, however much later. It has two digits, and counts a suspended machine's time as well.
  const uptimeMs = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1_000;
  expect(nowMs).toBeLessThan(uptimeMs + 1_000);
  expect(nowMs).toBeGreaterThan(0);
});

test("realtimeMs() is the time of day", () => {
  const [before, now, after] = [Date.now(), realtimeMs(), Date.now()];
  // Date.now() has no fraction.
  expect([before - 1 <= now, now <= after + 1]).toEqual([true, true]);
});
