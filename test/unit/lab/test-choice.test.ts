import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { chooseTests, partOf, QUICK_PROPERTIES } from "../../support/test-choice.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const REAL_FILES = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: ROOT })].toSorted();

const FILES = [
  "test/kernel/drain.test.ts",
  "test/kernel/reload.test.ts",
  "test/lab/lab.test.ts",
  "test/model/rules.test.ts",
  "test/property/netlink-hostile.test.ts",
  "test/property/reload.test.ts",
  "test/property/undo.test.ts",
  "test/unit/lab/judge.test.ts",
  "test/unit/probe/external.test.ts",
  "test/unit/probe/hostile.test.ts",
];

function chosen(...words: readonly string[]): unknown {
  const choice = chooseTests(words, FILES);
  return choice.ok ? Object.fromEntries(choice.value) : choice.problem;
}

describe("chooseTests()", () => {
  test.each([
    ["test/kernel/reload.test.ts"],
    ["./test/kernel/reload.test.ts"],
    ["kernel/reload.test.ts"],
    ["kernel/reload"],
    ["test/kernel/reload"],
  ])("takes %p for a file, and builds the binary first", (word) => {
    expect(chosen(word)).toEqual({ kernel: ["test/kernel/reload.test.ts"], build: [] });
  });

  test.each([
    ["lint", { lint: [] }],
    ["kernel", { kernel: ["test/kernel/drain.test.ts", "test/kernel/reload.test.ts"], build: [] }],
    ["lab", { lab: ["test/lab/lab.test.ts"] }],
    ["unit/lab/", { fast: ["test/unit/lab/judge.test.ts"] }],
    [
      "property",
      {
        fast: ["test/property/undo.test.ts"],
        deep: ["test/property/netlink-hostile.test.ts", "test/property/reload.test.ts"],
      },
    ],
  ])("takes %p for a part or a folder", (word, parts) => {
    expect(chosen(word)).toEqual(parts);
  });

  test("takes several words, and a file that two of them name once", () => {
    expect(chosen("unit/probe", "types", "unit/probe/hostile")).toEqual({
      types: [],
      fast: ["test/unit/probe/external.test.ts", "test/unit/probe/hostile.test.ts"],
    });
  });

  test.each([
    ["kernl", "no part, folder or file of tests is called kernl; near: kernel"],
    ["reload", "no part, folder or file of tests is called reload; near: kernel/reload, property/reload"],
    ["unit/reload", "no part, folder or file of tests is called unit/reload; near: kernel/reload, property/reload"],
    ["kernel/draim", "no part, folder or file of tests is called kernel/draim; near: kernel/drain"],
    ["extern", "no part, folder or file of tests is called extern; near: unit/probe/external"],
    [
      "zzzzzzzz",
      "no part, folder or file of tests is called zzzzzzzz; parts: " +
        "lint, types, build, fast, deep, cli, lab, namespaces, servers, kernel",
    ],
  ])("refuses %p in one sentence", (word, sentence) => {
    expect(chosen("lint", word)).toBe(sentence);
  });
});

describe("the tests of this project", () => {
  test("each belong to a part, so that `npm test` runs them", () => {
    expect(REAL_FILES.filter((file) => partOf(file) === undefined)).toEqual([]);
    expect(REAL_FILES.length).toBeGreaterThan(300);
  });

  test("have the quick properties that are named", () => {
    expect(QUICK_PROPERTIES.filter((file) => !REAL_FILES.includes(file))).toEqual([]);
  });
});
