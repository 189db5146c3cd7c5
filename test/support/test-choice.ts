/** Which tests a word of `npm test -- WORD...` stands for: a part, a folder of `test/`, or a file. */
import { nearest } from "../../src/lib/nearest.ts";

/** Parts that run tests, and the folders of `test/` that they run. The order is that of a whole run. */
const FOLDERS = {
  fast: ["unit", "scenario", "tidy", "property"],
  deep: ["property", "model", "simulation"],
  cli: ["cli"],
  lab: ["lab"],
  namespaces: ["namespaces"],
  servers: ["servers"],
  kernel: ["kernel"],
} as const;

export type TestPart = keyof typeof FOLDERS;
/** Parts that run a tool, and have no tests. */
export const TOOLS = ["lint", "types", "build"] as const;
export type PartName = TestPart | (typeof TOOLS)[number];

const TEST_PARTS = Object.keys(FOLDERS) as readonly TestPart[];

/** Properties that took less than a second together with their file (2026-12). Those that are not named are deep. */
export const QUICK_PROPERTIES: readonly string[] = [
  "balance-convergence",
  "balance-plan",
  "balance-verdict",
  "balancer-messages",
  "health-model",
  "heartbeat-session",
  "model-round-trip",
  "netlink-round-trip",
  "pattern",
  "plan-restore",
  "undo",
].map((name) => `test/property/${name}.test.ts`);

/** Parts that run routers, which are the compiled binary. */
const NEED_BINARY: readonly PartName[] = ["namespaces", "kernel"];

/** The files of each chosen part; a tool has none. */
export type Choice = ReadonlyMap<PartName, readonly string[]>;

/** Returns the part that runs a test file; undefined for a folder that no part knows. */
export function partOf(file: string): TestPart | undefined {
  const folder = file.split("/")[1] ?? "";
  if (folder === "property") return QUICK_PROPERTIES.includes(file) ? "fast" : "deep";
  return TEST_PARTS.find((part) => (FOLDERS[part] as readonly string[]).includes(folder));
}

/** `test/kernel/reload.test.ts`, `kernel/reload` and `./test/kernel/` alike, without what they need not say. */
function shortName(word: string): string {
  return word.replace(/^(?:\.\/)?(?:test\/)?/, "").replace(/(?:\.test\.ts|\/)$/, "");
}

function filesOf(word: string, files: readonly string[]): readonly string[] {
  if (TEST_PARTS.some((part) => part === word)) return files.filter((file) => partOf(file) === word);
  const name = shortName(word);
  const known = files.filter((file) => partOf(file) !== undefined);
  return known.filter((file) => file === `test/${name}.test.ts` || file.startsWith(`test/${name}/`));
}

function isTool(word: string): word is (typeof TOOLS)[number] {
  return TOOLS.some((tool) => tool === word);
}

/**
 * Sorts what the words stand for by part.
 * @param files all test files, as `test/FOLDER/NAME`.
 * Returns the parts with their files, or the sentence about the first word that stands for nothing.
 */
export function chooseTests(
  words: readonly string[],
  files: readonly string[],
): { readonly ok: true; readonly value: Choice } | { readonly ok: false; readonly problem: string } {
  const chosen = new Map<PartName, Set<string>>();
  for (const word of words) {
    const found = filesOf(word, files);
    if (isTool(word)) chosen.set(word, new Set());
    else if (found.length === 0) return { ok: false, problem: unknownWord(word, files) };
    for (const file of found) {
      const part = partOf(file);
      if (part === undefined) continue;
      chosen.set(part, (chosen.get(part) ?? new Set()).add(file));
    }
  }
  if (NEED_BINARY.some((part) => chosen.has(part)) && !chosen.has("build")) chosen.set("build", new Set());
  return { ok: true, value: new Map([...chosen].map(([part, of]) => [part, [...of].toSorted()])) };
}

/** More would not be read. */
const NEAR_MAX = 5;

function unknownWord(word: string, files: readonly string[]): string {
  const near = nearWords(word, files);
  const all = [...TOOLS, ...TEST_PARTS].join(", ");
  return `no part, folder or file of tests is called ${word}; ${near.length > 0 ? `near: ${near.join(", ")}` : `parts: ${all}`}`;
}

/** Files of that very name in any folder, what contains the word, else what is spelt nearest. */
function nearWords(word: string, files: readonly string[]): readonly string[] {
  const name = shortName(word);
  const last = name.split("/").at(-1) ?? name;
  const short = files.map(shortName);
  const folders = short.flatMap((file) =>
    file
      .split("/")
      .slice(0, -1)
      .map((_, depth, path) => path.slice(0, depth + 1).join("/")),
  );
  const known = [...new Set([...TOOLS, ...TEST_PARTS, ...folders, ...short])];
  const same = known.filter((one) => one.split("/").at(-1) === last);
  const containing = last.length < 3 ? [] : known.filter((one) => (one.split("/").at(-1) ?? one).includes(last));
  const alike =
    nearest(name, known) ??
    nearest(
      last,
      known.map((one) => one.split("/").at(-1) ?? one),
    );
  const spelt = known.filter((one) => one === alike || one.split("/").at(-1) === alike);
  return [...new Set([...same, ...containing, ...spelt])].slice(0, NEAR_MAX);
}
