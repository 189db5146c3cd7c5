import { describe, expect, test } from "bun:test";
import { type Health, judgeOutcome, UNKNOWN_HEALTH } from "../../../../src/balance/health/verdict.ts";
import type { ProbeFailure, ProbeOutcome, Verdict } from "../../../../src/model/health-check.ts";
import { failed, SUCCESS, TCP_CHECK } from "../../../support/balance-fixtures.ts";

/** `+` is a success, `-` a timeout, `r` a refusal; one a second. */
function judge(outcomes: string, start: Health = UNKNOWN_HEALTH): Health {
  const kinds: Record<string, ProbeOutcome> = { "+": SUCCESS, "-": failed("timeout"), r: failed("refused") };
  return [...outcomes].reduce((health, mark, index) => {
    return judgeOutcome(health, kinds[mark] ?? SUCCESS, TCP_CHECK, (index + 1) * 1_000);
  }, start);
}

describe("judgeOutcome() with rise 2 and fall 3", () => {
  test.each<[string, Verdict]>([
    ["", "unknown"],
    ["+", "up"],
    ["-+", "up"],
    ["--+", "up"],
    ["--", "unknown"],
    ["---", "down"],
    ["+-+-+-", "up"],
    ["+--", "up"],
    ["+---", "down"],
    ["++--", "up"],
    ["++--+--", "up"],
    ["++---", "down"],
    ["---+", "down"],
    ["---+-+", "down"],
    ["---++", "up"],
  ])("makes %p %s", (outcomes, verdict) => {
    expect(judge(outcomes).verdict).toBe(verdict);
  });

  test("tells since when, and when the server came back", () => {
    const { sinceMs, recoveredMs, verdict } = judge("++---++");
    expect({ sinceMs, recoveredMs, verdict }).toEqual({ verdict: "up", sinceMs: 7_000, recoveredMs: 7_000 });
  });

  test("does not take the first verdict for a recovery", () => {
    expect(judge("++").recoveredMs).toBeUndefined();
  });

  test("remembers when the failures began that took a server down, also after a single success", () => {
    expect(judge("++---+-").failingSinceMs).toBe(3_000);
  });

  test("forgets that time once the server is up again, and never has it for one that was not up", () => {
    expect([judge("++---++").failingSinceMs, judge("---").failingSinceMs]).toEqual([undefined, undefined]);
  });

  test.each<[string, boolean]>([
    ["++---", false],
    ["++r--", true],
    ["++rrr---", true],
    ["++r+---", false],
    ["++rrr++---", false],
  ])("in %p the server refused: %p", (outcomes, refused) => {
    expect(judge(outcomes).refused).toBe(refused);
  });

  test.each<ProbeFailure>(["refused", "unreachable", "timeout", "reset", "wrong-answer", "tls", "program"])(
    "counts %s as a failure",
    (failure) => {
      let health = UNKNOWN_HEALTH;
      for (const atMs of [1, 2, 3]) health = judgeOutcome(health, failed(failure), TCP_CHECK, atMs);
      expect(health.verdict).toBe("down");
    },
  );
});
