import { describe, expect, test } from "bun:test";
import {
  addCounts,
  failureLines,
  judge,
  NO_TESTS,
  readJunitCount,
  readJunitFailures,
} from "../../support/test-report.ts";

describe("readJunitCount()", () => {
  test("reads the counts of the outermost element", () => {
    const xml = `<?xml version="1.0"?>
<testsuites name="bun test" tests="5" assertions="9" failures="2" skipped="1" time="0.2">
  <testsuite name="a.test.ts" tests="1" failures="0" skipped="0"></testsuite></testsuites>`;
    expect(readJunitCount(xml)).toEqual({ passed: 2, failed: 2, skipped: 1 });
  });

  test.each(["", "<testsuites>", '<testsuites tests="x" failures="0" skipped="0">'])("refuses %p", (xml) => {
    expect(readJunitCount(xml)).toBeUndefined();
  });
});

describe("readJunitFailures()", () => {
  // As bun 1.4.5 writes it.
  const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="2" assertions="1" failures="1" skipped="0" time="0.005">
  <testsuite name="a.test.ts" file="a.test.ts" tests="2" assertions="1" failures="1" skipped="0" hostname="vm">
    <testsuite name="d &amp; &lt;x&gt;" file="a.test.ts" line="2" tests="2" assertions="1" failures="1" hostname="vm">
      <testcase name="good" classname="d &amp; &lt;x&gt;" time="0.1" file="a.test.ts" line="1" assertions="0" />
      <testcase name="it &quot;q&quot;" classname="d &amp; &lt;x&gt;" time="0.1" file="a.test.ts" line="2" assertions="1">
        <failure type="AssertionError" message="expect(received).toBe(expected)&#10;&#10;Expected: 2&#10;">x</failure>
      </testcase>
    </testsuite>
  </testsuite>
</testsuites>`;

  test("names the tests that failed, and why", () => {
    expect(readJunitFailures(REPORT)).toEqual([
      { title: 'a.test.ts:2 d & <x> > it "q"', cause: ["expect(received).toBe(expected)", "Expected: 2"] },
    ]);
  });

  test("shows what differs of two long values, and not what is the same", () => {
    const difference =
      "{&#10;    &quot;a&quot;: 1,&#10;-   &quot;b&quot;: 2,&#10;+   &quot;b&quot;: 3,&#10;  }&#10;&#10;- Expected  - 1&#10;+ Received  + 1&#10;";
    expect(readJunitFailures(REPORT.replace("Expected: 2&#10;", difference))[0]?.cause).toEqual([
      "expect(received).toBe(expected)",
      '-   "b": 2,',
      '+   "b": 3,',
    ]);
  });

  test("says how long a test was waited for", () => {
    const late = REPORT.replace(/<failure .*<\/failure>/, '<failure type="TimeoutError" message="test timed out" />');
    expect(
      readJunitFailures(late.replace('time="0.1" file="a.test.ts" line="2"', 'time="90.5" file="a.test.ts" line="2"')),
    ).toEqual([{ title: 'a.test.ts:2 d & <x> > it "q"', cause: ["timed out after 90.5 s"] }]);
  });

  test("finds the place of a hook, which has neither name nor line", () => {
    const hook = REPORT.replace('name="it &quot;q&quot;"', 'name="(unnamed)"')
      .replace('file="a.test.ts" line="2" assertions="1"', 'file="a.test.ts" assertions="1"')
      .replace(">x</failure>", ">Error: x&#10;      at test/a.test.ts:6:85&#10;</failure>");
    expect(readJunitFailures(hook).map(({ title }) => title)).toEqual([
      "test/a.test.ts:6 d & <x> > (a hook: beforeAll, afterAll or the like)",
    ]);
  });

  test("finds none in a report without one", () => {
    expect(readJunitFailures('<testsuites tests="1"><testcase name="good" /></testsuites>')).toEqual([]);
  });
});

describe("failureLines()", () => {
  const failures = (count: number, causes: number) =>
    Array.from({ length: count }, (_none, index) => ({
      title: `t${index}`,
      cause: Array.from({ length: causes }, (_each, line) => `c${line}`),
    }));

  test("shows a single failure with its cause", () => {
    expect(failureLines(failures(1, 2), 12)).toEqual(["FAIL t0", "  c0", "  c1"]);
  });

  test("cuts a long cause, and a long line", () => {
    expect(failureLines(failures(1, 100), 12)).toHaveLength(9);
    expect(failureLines([{ title: "x".repeat(1_000), cause: [] }], 12)[0]?.length).toBe(301);
  });

  test("shares the lines among several, and counts what is left out", () => {
    expect(failureLines(failures(2, 9), 5)).toEqual(["FAIL t0", "  c0", "  c1", "FAIL t1", "  c0"]);
    expect(failureLines(failures(12, 9), 12)).toEqual(failures(12, 0).map(({ title }) => `FAIL ${title}`));
    expect(failureLines(failures(99, 9), 12).slice(-2)).toEqual(["FAIL t10", "… and 88 more"]);
  });
});

describe("judge()", () => {
  test.each([
    [
      "takes a part that passed as it is",
      { passed: 3, failed: 0, skipped: 0 },
      0,
      { passed: 3, failed: 0, skipped: 0 },
    ],
    [
      "takes counted failures as they are",
      { passed: 3, failed: 2, skipped: 0 },
      1,
      { passed: 3, failed: 2, skipped: 0 },
    ],
    ["fails a part that broke off", { passed: 3, failed: 0, skipped: 0 }, 1, { passed: 3, failed: 1, skipped: 0 }],
    ["fails a part that ran nothing", { passed: 0, failed: 0, skipped: 4 }, 0, { passed: 0, failed: 1, skipped: 4 }],
    ["fails a part without a report", undefined, 0, { passed: 0, failed: 1, skipped: 0 }],
  ])("%s", (_title, count, status, expected) => {
    expect(judge(count, status)).toEqual(expected);
  });
});

describe("addCounts()", () => {
  test("adds each column", () => {
    const one = { passed: 1, failed: 2, skipped: 3 };
    expect(addCounts([one, one, NO_TESTS])).toEqual({ passed: 2, failed: 4, skipped: 6 });
  });
});
