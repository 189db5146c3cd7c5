import { describe, expect, test } from "bun:test";
import { version } from "../../package.json";
import { generatedFiles } from "../../src/cli/docs/generated.ts";
import { citationFindings } from "./citation-rules.ts";
import { deadExports, deadFiles, importFindings } from "./import-rules.ts";
import { DIAGRAM_SECTION, layerDiagram } from "./layer-diagram.ts";
import { projectFiles, ROOT } from "./project-files.ts";
import { crowdFindings, roomFindings, sameNameFindings } from "./room-rules.ts";
import type { Finding } from "./source-text.ts";
import { longFunctions, markdownFindings, textFindings } from "./text-rules.ts";

/** Where a run of the program begins: main.ts and the threads, and the programs that build. */
const ENTRIES = [
  "src/main.ts",
  "src/daemon/kernel-thread/kernel-worker.ts",
  "src/daemon/sync/sync-worker.ts",
  "src/build/binary.ts",
  "src/build/generate.ts",
  // setns for the lab's tests: only sys/ may call it.
  "src/sys/process/network-namespace.ts",
];

const sources = await projectFiles("src/**/*.ts");
const tests = await projectFiles("test/**/*.ts");
const markdown = [
  ...(await projectFiles("*.md")),
  ...(await projectFiles("docs/**/*.md")),
  ...(await projectFiles("src/**/*.md")),
];

function sentences(findings: readonly Finding[]): string[] {
  return findings.map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

describe("the tree is tidy", () => {
  test("imports follow the direction of the folders", () => {
    expect(sentences(sources.flatMap(importFindings))).toEqual([]);
  });

  test("rooms stand in their order, without a crowd in any", () => {
    expect(sentences(sources.flatMap((file) => roomFindings(file)))).toEqual([]);
    expect(sentences(crowdFindings(sources))).toEqual([]);
  });

  test("no two files have one name", () => {
    expect(sentences(sameNameFindings(sources))).toEqual([]);
  });

  test("the diagram in ARCHITECTURE.md is what the rules say (`bun test/tidy/write-diagram.ts`)", async () => {
    const text = await Bun.file(`${ROOT}/ARCHITECTURE.md`).text();
    expect(text).toContain(`<!-- ${DIAGRAM_SECTION}: begin -->\n${layerDiagram()}\n<!-- ${DIAGRAM_SECTION}: end -->`);
  });

  test("comments and documents cite nothing that is not in the project", async () => {
    const all = [...sources, ...tests, ...markdown, ...(await projectFiles("test/**/*.mjs"))];
    const paths = all.map(({ path }) => path);
    expect(sentences(all.flatMap((file) => citationFindings(file, paths)))).toEqual([]);
  });

  test("no banned calls and words", () => {
    expect(sentences([...sources, ...tests].flatMap(textFindings))).toEqual([]);
  });

  test("functions are short", () => {
    expect(sentences(sources.flatMap(longFunctions))).toEqual([]);
  });

  test("every export is used somewhere", () => {
    expect(sentences(deadExports(sources, tests))).toEqual([]);
  });

  test("every file is imported from somewhere", () => {
    expect(sentences(deadFiles(sources, ENTRIES))).toEqual([]);
  });

  test("a Markdown file has one title, on its first line", () => {
    expect(sentences(markdown.flatMap(markdownFindings))).toEqual([]);
  });
});

describe("generated files are fresh", () => {
  test.each([...generatedFiles(version)])("%s is what `npm run generate` writes", async (path, text) => {
    expect(await Bun.file(`${ROOT}/${path}`).text()).toBe(text);
  });
});
