import { describe, expect, test } from "bun:test";
import { addCounts, judge, NO_TESTS, readJunitCount } from "../../support/test-report.ts";

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
