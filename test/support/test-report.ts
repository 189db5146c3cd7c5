/** What a part of the tests came to. */
export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test or a part that failed: what it is, and why. */
export interface Failure {
  readonly title: string;
  readonly cause: readonly string[];
}

/** Enough for what was expected and what came instead. */
const CAUSE_LINES_MAX = 8;
const LINE_LENGTH_MAX = 300;

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

/** A difference of two long values without what is the same in both, which would hide it. */
function withoutSameLines(lines: readonly string[]): readonly string[] {
  if (!lines.some((line) => /^- Expected {2}- \d+$/.test(line))) return lines;
  return lines.filter(
    (line, index) => index === 0 || (/^[+-] /.test(line) && !/^[+-] (?:Expected|Received) {2}/.test(line)),
  );
}

/** Reads the tests and the hooks that failed from a JUnit report. */
export function readJunitFailures(xml: string): Failure[] {
  const cases = xml.matchAll(/<testcase\b([^>]*[^/>])>\s*<failure\b([^>]*)(?:\/>|>([^<]*))/g);
  return [...cases].map(([, test = "", failure = "", trace = ""]) => {
    const read = (from: string, name: string) =>
      unescapeXml(new RegExp(`\\b${name}="([^"]*)"`).exec(from)?.[1] ?? "").trim();
    // bun gives a hook no name and no line.
    const isHook = read(test, "name") === "(unnamed)";
    const place = isHook ? (/^ +at (\S+:\d+):\d+$/m.exec(unescapeXml(trace))?.[1] ?? read(test, "file")) : "";
    const name = isHook ? "(a hook: beforeAll, afterAll or the like)" : read(test, "name");
    const title = [read(test, "classname"), name].filter((part) => part !== "").join(" > ");
    const message = read(failure, "message").replace(/^test timed out$/, `timed out after ${read(test, "time")} s`);
    const cause = withoutSameLines(message.split("\n")).filter((line) => line.trim() !== "");
    return { title: `${isHook ? place : `${read(test, "file")}:${read(test, "line")}`} ${title}`, cause };
  });
}

function shorten(line: string): string {
  return line.length > LINE_LENGTH_MAX ? `${line.slice(0, LINE_LENGTH_MAX)}…` : line;
}

/**
 * All the failures in no more lines than are given: of many, the causes are cut; of very many, some are left out and
 * counted.
 */
export function failureLines(failures: readonly Failure[], linesMax: number): string[] {
  const isAll = failures.length <= linesMax;
  const shown = isAll ? failures : failures.slice(0, linesMax - 1);
  const spareLines = linesMax - shown.length;
  const lines = shown.flatMap(({ title, cause }, index) => {
    const share = Math.floor(spareLines / shown.length) + (index < spareLines % shown.length ? 1 : 0);
    return [`FAIL ${title}`, ...cause.slice(0, Math.min(share, CAUSE_LINES_MAX)).map((line) => `  ${line}`)];
  });
  return [...lines, ...(isAll ? [] : [`… and ${failures.length - shown.length} more`])].map(shorten);
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
