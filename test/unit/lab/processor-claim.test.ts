import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProcessorClaim, readProcessorList } from "../../lab/processor-claim.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-processors-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["0", [0]],
  ["0-1", [0, 1]],
  ["2,4-6,9", [2, 4, 5, 6, 9]],
  ["", []],
  ["6-4,x", []],
])("readProcessorList(%p)", (text, expected) => {
  expect(readProcessorList(text)).toEqual(expected);
});

test("ProcessorClaim gives each lab a processor of its own, and the last ones any, until it is let go", () => {
  const first = ProcessorClaim.take(folder, [3, 5]);
  {
    using second = ProcessorClaim.take(folder, [3, 5]);
    using third = ProcessorClaim.take(folder, [3, 5]);
    expect([first.processor, second.processor, [3, 5].includes(third.processor)]).toEqual([3, 5, true]);
    expect(readdirSync(folder).length).toBe(2);
  }
  first[Symbol.dispose]();
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ["a process that has ended", "4194304\n"],
  ["a process that was killed while it wrote", ""],
])("ProcessorClaim takes over from %s", (_who, owner) => {
  const file = join(folder, "tandem-lab-processor-1");
  writeFileSync(file, owner);
  {
    using claim = ProcessorClaim.take(folder, [1]);
    expect([claim.processor, existsSync(file)]).toEqual([1, true]);
  }
  expect(existsSync(file)).toBe(false);
});

test("ProcessorClaim passes over a file that it can't remove", () => {
  // As another user's in /tmp: no file system lets a program remove a folder in this way.
  mkdirSync(join(folder, "tandem-lab-processor-1"));
  using claim = ProcessorClaim.take(folder, [1, 2]);
  expect(claim.processor).toBe(2);
});
