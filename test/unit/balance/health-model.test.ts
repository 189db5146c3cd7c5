import { describe, expect, test } from "bun:test";
import { combineHealths } from "../../../src/balance/health/combined-health.ts";
import { hasQuorum } from "../../../src/balance/health/quorum.ts";
import { ProbeSchedule } from "../../../src/balance/health/schedule.ts";
import { type Health, judgeOutcome, UNKNOWN_HEALTH } from "../../../src/balance/health/verdict.ts";
import { CHANGES_KEPT, ProbeRecord, TIMES_KEPT } from "../../../src/balance/servers/probe-record.ts";
import { failed, SUCCESS, TCP_CHECK } from "../../support/balance-fixtures.ts";

const UP: Health = { verdict: "up", refused: false, sinceMs: 10, recoveredMs: 10 };
const DOWN: Health = { verdict: "down", refused: true, sinceMs: 30, failingSinceMs: 20 };

describe("combineHealths()", () => {
  test.each<[string, Health[], string]>([
    ["up when all are", [UP, UP], "up"],
    ["down when one is", [UP, DOWN, UNKNOWN_HEALTH], "down"],
    ["unknown when one is, and none is down", [UP, UNKNOWN_HEALTH], "unknown"],
  ])("is %s", (_what, healths, verdict) => {
    expect(combineHealths(healths).verdict as string).toBe(verdict);
  });

  test("is up since the last check passed, and down since the first one failed", () => {
    const later = { ...UP, sinceMs: 50, recoveredMs: 50 };
    const earlier = { ...DOWN, sinceMs: 25, failingSinceMs: 15, refused: false };
    expect([combineHealths([UP, later]), combineHealths([UP, DOWN, earlier])]).toEqual([
      { verdict: "up", refused: false, sinceMs: 50, recoveredMs: 50 },
      { verdict: "down", refused: true, sinceMs: 25, failingSinceMs: 15 },
    ]);
  });
});

describe("hasQuorum()", () => {
  const servers = (up: number, all = 5) =>
    Array.from({ length: all }, (_, index) => ({ isUp: index < up, weight: index === 0 ? 10 : 1 }));

  test.each<[number, boolean, boolean]>([
    [3, true, true],
    [2, true, true],
    [1, true, false],
    [3, false, false],
    [4, false, true],
  ])("with 3 servers and a hysteresis of 1: %d up, had it: %p, has it: %p", (up, before, expected) => {
    expect(hasQuorum({ by: "servers", needed: 3, hysteresis: 1 }, servers(up), before)).toBe(expected);
  });

  test("adds up weights where it is asked to", () => {
    const quorum = { by: "weight", needed: 12, hysteresis: 0 } as const;
    expect([hasQuorum(quorum, servers(2), true), hasQuorum(quorum, servers(3), true)]).toEqual([false, true]);
  });

  test("returns with all servers, even where the hysteresis would ask for more than there are", () => {
    expect(hasQuorum({ by: "servers", needed: 2, hysteresis: 1 }, servers(2, 2), false)).toBe(true);
  });
});

describe("judgeOutcome() with flap damping", () => {
  const FLAPPING = { ...TCP_CHECK, rise: 1, fall: 1, flap: { limit: 2, windowMs: 60_000, holdMs: 5_000 } };

  /** `+` is a success, `-` a failure, one a second. */
  function judge(outcomes: string): string {
    let health = UNKNOWN_HEALTH;
    return [...outcomes]
      .map((mark, index) => {
        health = judgeOutcome(health, mark === "+" ? SUCCESS : failed(), FLAPPING, (index + 1) * 1_000);
        return health.verdict === "up" ? "U" : "D";
      })
      .join("");
  }

  test("lets a server that fell once come back at once, and holds one that fell twice", () => {
    expect(judge("+-+-++++++++")).toBe("UDUDDDDDDUUU");
  });

  test("begins to hold anew with each failure", () => {
    expect(judge("+-+-+++-++++++")).toBe("UDUDDDDDDDDDDU");
  });

  test("forgets falls that lie further back than the window", () => {
    expect(judge(`+-+-${"-".repeat(60)}+`).at(-1)).toBe("U");
  });
});

describe("ProbeRecord", () => {
  test("tells the median and the 99th percentile of the last attempts only", () => {
    const record = new ProbeRecord();
    expect(record.times()).toBeUndefined();
    for (let time = 1; time <= 10; time += 1) record.addTime(time);
    expect(record.times()).toEqual({ p50Ms: 5, p99Ms: 10, samples: 10 });
    for (let index = 0; index < TIMES_KEPT; index += 1) record.addTime(7);
    expect(record.times()).toEqual({ p50Ms: 7, p99Ms: 7, samples: TIMES_KEPT });
  });

  test("keeps the latest changes, the latest first", () => {
    const record = new ProbeRecord();
    for (let atMs = 1; atMs <= CHANGES_KEPT + 5; atMs += 1) record.addChange({ to: "up", atMs, reason: "" });
    expect(record.changes.map(({ atMs }) => atMs)).toEqual(
      Array.from({ length: CHANGES_KEPT }, (_, index) => CHANGES_KEPT + 5 - index),
    );
  });
});

describe("ProbeSchedule.changeInterval()", () => {
  test("begins the probe at the new distance, and not at the old one", () => {
    const schedule = new ProbeSchedule();
    schedule.replace([{ key: "a", intervalMs: 1_000, program: false }], 0, 0);
    const [begun] = [schedule.takeDue(10)];
    schedule.finished("a");
    schedule.changeInterval("a", 5_000, 20);
    const early = schedule.takeDue(4_000);
    expect([begun, early, schedule.takeDue(5_020)]).toEqual([["a"], [], ["a"]]);
  });
});
