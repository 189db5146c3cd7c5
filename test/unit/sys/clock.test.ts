import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { monotonicMs, realtimeMs } from "../../../src/sys/clock.ts";

test("monotonicMs() never goes back and has a fraction", () => {
  const times = Array.from({ length: 1_000 }, monotonicMs);
  expect(times.toSorted((a, b) => a - b)).toEqual(times);
  expect(times.some((time) => !Number.isInteger(time))).toBe(true);
});

test("monotonicMs() counts from the start of the machine, so that processes can compare it", () => {
  const uptimeMs = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1_000;
  // The uptime has two digits, and counts a suspended machine's time as well.
  expect(monotonicMs()).toBeLessThan(uptimeMs + 1_000);
  expect(monotonicMs()).toBeGreaterThan(0);
});

test("realtimeMs() is the time of day", () => {
  expect(Math.abs(realtimeMs() - Date.now())).toBeLessThan(1_000);
});
