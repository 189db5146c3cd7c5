/** What a part of the tests came to. */
export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Enough for what was expected and what came instead. */
const CAUSE_LINES_MAX = 8;

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

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name = "") =>
    code === undefined ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

/**
 * Reads the tests that failed from a JUnit report, each as its file, line, groups and name, with the cause in the lines
 * that follow; a cause of many lines is cut.
 */
export function readJunitFailures(xml: string): string[] {
  const cases = xml.matchAll(/<testcase\b([^>]*[^/>])>\s*<failure\b([^>]*)/g);
  return [...cases].map(([, test = "", failure = ""]) => {
    const read = (from: string, name: string) =>
      unescapeXml(new RegExp(`\\b${name}="([^"]*)"`).exec(from)?.[1] ?? "").trim();
    const cause = read(failure, "message").split("\n").slice(0, CAUSE_LINES_MAX);
    const title = [read(test, "classname"), read(test, "name")].filter((part) => part !== "").join(" > ");
    return [`${read(test, "file")}:${read(test, "line")} ${title}`, ...cause.map((line) => `  ${line}`)].join("\n");
  });
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
