import { describe, expect, test } from "bun:test";
import { addCounts, judge, NO_TESTS, readJunitCount, readJunitFailures } from "../../support/test-report.ts";

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
      'a.test.ts:2 d & <x> > it "q"\n  expect(received).toBe(expected)\n  \n  Expected: 2',
    ]);
  });

  test("cuts a long cause", () => {
    const long = REPORT.replace("Expected: 2", "line&#10;".repeat(100));
    expect(readJunitFailures(long)[0]?.split("\n")).toHaveLength(9);
  });

  test("finds none in a report without one", () => {
    expect(readJunitFailures('<testsuites tests="1"><testcase name="good" /></testsuites>')).toEqual([]);
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
