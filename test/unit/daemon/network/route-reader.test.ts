import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { RouteReader } from "../../../../src/daemon/network/route-reader.ts";
import type { RouteSurvey } from "../../../../src/kernel/addresses/route-client.ts";

const SOME: RouteSurvey = { gateways: [], defaultRoutes: ["inet"] };

/** A reader whose kernel answers when the test says so. */
class Reading {
  nowMs = 0;
  begun = 0;
  readonly found: RouteSurvey[] = [];
  readonly problems: string[] = [];
  #answer: ((routes: RouteSurvey | undefined, reason: string, elapsedMs: number) => void) | undefined;
  readonly reader = new RouteReader({
    read: (done) => {
      this.begun += 1;
      this.#answer = done;
    },
    onRoutes: (routes) => this.found.push(routes),
    onProblem: (message) => this.problems.push(message),
    now: () => this.nowMs,
  });

  pass(ms: number): void {
    this.nowMs += ms;
    jest.advanceTimersByTime(ms);
  }

  answer(routes: RouteSurvey | undefined, elapsedMs = 1): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(routes, "no answer", elapsedMs);
  }
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe("RouteReader", () => {
  test("reads once for a burst of changes, and again for those that came meanwhile", () => {
    const reading = new Reading();
    for (let turn = 0; turn < 100; turn += 1) reading.reader.want();
    reading.pass(1);
    expect(reading.begun).toBe(1);
    for (let turn = 0; turn < 100; turn += 1) reading.reader.want();
    reading.answer(SOME);
    reading.pass(40);
    expect([reading.begun, reading.found.length]).toEqual([1, 1]);
    reading.pass(10);
    reading.answer(SOME);
    reading.pass(10_000);
    expect([reading.begun, reading.found.length]).toEqual([2, 2]);
  });

  test("reads the more seldom the longer it takes", () => {
    const reading = new Reading();
    reading.reader.want();
    reading.pass(1);
    reading.answer(SOME, 100);
    reading.reader.want();
    reading.pass(1_990);
    expect(reading.begun).toBe(1);
    reading.pass(10);
    expect(reading.begun).toBe(2);
    reading.answer(SOME, 100);
    reading.pass(19_990);
    reading.reader.wantNowAndThen();
    reading.pass(1);
    expect(reading.begun).toBe(2);
    reading.pass(10);
    reading.reader.wantNowAndThen();
    reading.pass(1);
    expect(reading.begun).toBe(3);
  });

  test("tries again after a failure, and no more once it is closed", () => {
    const reading = new Reading();
    reading.reader.want();
    reading.pass(1);
    reading.answer(undefined);
    expect(reading.problems).toEqual(["no answer; tried again soon"]);
    reading.pass(1_000);
    expect(reading.begun).toBe(2);
    reading.reader.want();
    reading.reader.close();
    reading.answer(SOME);
    reading.reader.want();
    reading.pass(10_000);
    expect([reading.begun, reading.found]).toEqual([2, []]);
  });
});
