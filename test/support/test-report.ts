/** What a part of the tests came to. */
export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_TESTS: TestCount = { passed: 0, failed: 0, skipped: 0 };

/**
 * Reads the counts from the first lines of a JUnit report (`<testsuites tests="3" failures="1" skipped="0" …>`).
 * Returns undefined when that isn't one.
 */
export function readJunitCount(xml: string): TestCount | undefined {
  const head = /<testsuites\b[^>]*>/.exec(xml)?.[0];
  if (head === undefined) return undefined;
  const attribute = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? Number.NaN);
  const [tests, failed, skipped] = [attribute("tests"), attribute("failures"), attribute("skipped")];
  if (![tests, failed, skipped].every(Number.isInteger)) return undefined;
  return { passed: tests - failed - skipped, failed, skipped };
}

export function addCounts(counts: readonly TestCount[]): TestCount {
  return counts.reduce(
    (sum, one) => ({
      passed: sum.passed + one.passed,
      failed: sum.failed + one.failed,
      skipped: sum.skipped + one.skipped,
    }),
    NO_TESTS,
  );
}

/**
 * The count of a part as its exit status corrects it: a part that broke off, or that ran nothing at all, has failed
 * even if no single test did.
 */
export function judge(count: TestCount | undefined, exitStatus: number): TestCount {
  if (count === undefined) return { ...NO_TESTS, failed: 1 };
  const ranNothing = count.passed + count.failed === 0;
  const brokeOff = exitStatus !== 0 && count.failed === 0;
  return ranNothing || brokeOff ? { ...count, failed: count.failed + 1 } : count;
}
