import { describe, expect, test } from "bun:test";
import { endingFailback } from "../../../../src/cli/failover/drill.ts";
import { type Attempt, judge, lossReasons, streamFigures } from "../../../../src/cli/failover/drill-figures.ts";
import { drillPicture } from "../../../../src/cli/failover/drill-picture.ts";

/** An attempt every 10 ms: `+` answered, `-` not, `.` none was made. */
function attempts(text: string): Attempt[] {
  return [...text].flatMap((sign, index) => (sign === "." ? [] : [{ atMs: 10 * index, answered: sign === "+" }]));
}

describe("streamFigures()", () => {
  test.each([
    ["+++++", { sent: 5, lost: 0, longestGapMs: 10, longestPauseMs: 10, slowestMs: 0 }],
    ["++--+", { sent: 5, lost: 2, longestGapMs: 30, longestPauseMs: 10, slowestMs: 0 }],
    // A gap at either end has no answer on its far side, and is one all the same.
    ["---++", { sent: 5, lost: 3, longestGapMs: 30, longestPauseMs: 10, slowestMs: 0 }],
    ["+----", { sent: 5, lost: 4, longestGapMs: 40, longestPauseMs: 10, slowestMs: 0 }],
    // The probe slept: a pause of its own, not a gap of the network.
    ["++..+", { sent: 3, lost: 0, longestGapMs: 30, longestPauseMs: 30, slowestMs: 0 }],
    ["-----", { sent: 5, lost: 5, longestGapMs: 40, longestPauseMs: 10, slowestMs: 0 }],
    ["", { sent: 0, lost: 0, longestGapMs: 0, longestPauseMs: 0, slowestMs: 0 }],
  ])("of %p", (text, figures) => expect(streamFigures(attempts(text))).toEqual(figures));
});

test("streamFigures() knows the slowest answer", () => {
  const answers = [3, 1003, 5].map((tookMs, index) => ({ atMs: index, answered: true, tookMs }));
  expect(streamFigures(answers).slowestMs).toBe(1003);
});

test("lossReasons() counts why attempts were lost, and leaves out what was answered or is still on its way", () => {
  const lost = (reason: string) => ({ atMs: 0, answered: false, reason });
  const open = { atMs: 0, answered: undefined };
  expect(lossReasons([lost("no answer"), lost("refused"), lost("refused"), open, { atMs: 0, answered: true }])).toEqual(
    [
      { reason: "refused", times: 2 },
      { reason: "no answer", times: 1 },
    ],
  );
});

describe("judge()", () => {
  const verdict = (kind: "echo" | "connection", text: string, maxGapMs = 30) => judge(kind, attempts(text), maxGapMs);
  test("bears lost echoes within the longest gap, and no lost connection", () => {
    expect([verdict("echo", "++--+"), verdict("connection", "++--+"), verdict("connection", "+++++")]).toEqual([
      "good",
      "bad",
      "good",
    ]);
  });
  test.each([
    ["a gap too long", "++---+", 30, "bad"],
    ["a gap too long at the end", "++---", 20, "bad"],
    // Both were good.
    ["a pause of the probe", "++.....+", 30, "unknown"],
    ["a limit that is shorter than the time between two probes", "++++", 1, "unknown"],
    ["a gap beside a longer pause of the probe", "+....+---+", 30, "bad"],
    ["a pause within the limit", "++..+", 30, "good"],
    ["no probe at all", "", 30, "unknown"],
  ] as const)("of %s", (_what, text, maxGapMs, judgement) => expect(verdict("echo", text, maxGapMs)).toBe(judgement));
});

describe("drillPicture()", () => {
  const picture = (label: string) =>
    drillPicture({
      title: "a drill",
      beganMs: 1000,
      endedMs: 3000,
      moves: [
        { from: "lvs1", to: "lvs2", beganMs: 1500, endedMs: 1600 },
        { from: "lvs2", to: "lvs1", beganMs: 2500, endedMs: 2600 },
      ],
      rows: [{ label, result: "2 of 4 lost", attempts: [1000, 2000, 2001, 2999].map(lostInTheMiddle) }],
    });
  test("has the owners in turn and one mark for what is lost within a pixel", () => {
    const text = picture("web");
    expect(text.match(/>lvs[12]</g)).toEqual([">lvs1<", ">lvs2<", ">lvs1<"]);
    expect(text.match(/fill="#c0392b"/g)).toHaveLength(1);
  });
  test("does not paint good what the probe did not see", () => {
    // From 1000 to 2000 and from 2001 to 2999 no probe was sent.
    expect(picture("web").match(/fill="#cccccc"/g)).toHaveLength(2);
  });
  test("lets no name break the XML", () => {
    expect(picture('<script>&"')).toContain(">&lt;script&gt;&amp;&quot;</text>");
  });
});

function lostInTheMiddle(atMs: number): Attempt {
  return { atMs, answered: atMs < 1500 || atMs > 2500 };
}

test("a drill says what becomes of a fail-back that was to come", () => {
  expect(endingFailback("pending", "lvs1")).toStartWith("the VIPs were to go back to lvs1 by themselves");
  expect(endingFailback("unknown", "lvs1")).toStartWith("if the VIPs were to go back to lvs1 by themselves");
  for (const none of ["none", undefined] as const) expect(endingFailback(none, "lvs1")).toBeUndefined();
});
