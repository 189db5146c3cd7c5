/**
 * What a test file needs beyond Bun. `bun test`, typed bare, passes over the files whose need is not met
 * (test/preload.ts puts one skipped test in their place); the runner meets every need first and never passes over any.
 */
import type { Failure } from "./test-report.ts";

/** Where the tests run. */
export interface Surroundings {
  /** The part that the runner runs; none where `bun test` was typed. */
  readonly part: string | undefined;
  /** What kind of lab this process is in; none outside. */
  readonly labKind: string | undefined;
  /** Whether dist/tandem is there. */
  readonly hasBinary: boolean;
}

/** Set by the runner for the tests that it starts; labs pass it on. */
export const PART_VARIABLE = "TANDEM_TEST_PART";

/** Tests of the kernel wait for real leases to end and real routers to take over, on a slow processor. */
export const TEST_LIMIT_MS = 240_000;

/** Folders of tests that change the kernel or the network. */
const IN_LAB = ["kernel", "namespaces", "servers"];

const SKIPPED = "skipped: needs the";

/** Returns why a file, as it is called below `test/`, cannot run here, and what runs it; undefined where it can. */
export function unmetNeed(file: string, { part, labKind, hasBinary }: Surroundings): string | undefined {
  if (part !== undefined) return undefined;
  const [folder = ""] = file.split("/");
  const because = (what: string) => `${SKIPPED} ${what}; npm test -- ${folder}`;
  if (folder === "cli") return hasBinary ? undefined : because("binary");
  // These start labs of their own, which must not be done inside of one.
  if (folder === "lab") return because("lab");
  return IN_LAB.includes(folder) && labKind === undefined ? because("lab") : undefined;
}

/** Reads the files that were passed over for an unmet need from a JUnit report: failures, where the runner wrote it. */
export function readPassedOver(xml: string): Failure[] {
  const cases = xml.matchAll(/<testcase\b([^>]*[^/>])>\s*<skipped\b/g);
  return [...cases].flatMap(([, attributes = ""]) => {
    const read = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
    const name = read("name");
    if (!name.startsWith(SKIPPED)) return [];
    return [{ title: `${read("file")} was passed over`, cause: [name] }];
  });
}
