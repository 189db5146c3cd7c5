import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { PART_VARIABLE, readPassedOver, unmetNeed } from "../../support/needs.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const BARE = { part: undefined, labKind: undefined, hasBinary: false };

describe("unmetNeed()", () => {
  test.each([
    ["kernel", "skipped: needs the lab; npm test -- kernel"],
    ["namespaces", "skipped: needs the lab; npm test -- namespaces"],
    ["servers", "skipped: needs the lab; npm test -- servers"],
    ["lab", "skipped: needs the lab; npm test -- lab"],
    ["cli", "skipped: needs the binary; npm test -- cli"],
  ])("says what runs %s", (folder, sentence) => {
    expect(unmetNeed(`${folder}/a.test.ts`, BARE)).toBe(sentence);
  });

  test.each(["cli", "kernel", "lab", "namespaces", "servers"])("passes nothing over of %s for the runner", (folder) => {
    expect(unmetNeed(`${folder}/a.test.ts`, { ...BARE, part: folder })).toBeUndefined();
  });

  test.each(["unit/kernel/frame-watch.test.ts", "unit/lab/needs.test.ts", "model/rules.test.ts"])(
    "finds no need of %s",
    (file) => {
      expect(unmetNeed(file, BARE)).toBeUndefined();
    },
  );

  test("passes nothing over in a lab, or where the binary is", () => {
    expect(unmetNeed("kernel/a.test.ts", { ...BARE, labKind: "uml" })).toBeUndefined();
    expect(unmetNeed("namespaces/a.test.ts", { ...BARE, labKind: "namespaces" })).toBeUndefined();
    expect(unmetNeed("cli/a.test.ts", { ...BARE, hasBinary: true })).toBeUndefined();
  });
});

test("readPassedOver() finds what the runner may never pass over, and nothing else that was skipped", () => {
  // As bun 1.4.5 writes it.
  const xml = `<testsuites name="bun test" tests="3" failures="0" skipped="2" time="0.1">
  <testsuite name="test/kernel/a.test.ts" file="test/kernel/a.test.ts" tests="1" skipped="1">
    <testcase name="skipped: needs the lab; npm test -- kernel" time="0" file="test/kernel/a.test.ts" line="1">
      <skipped />
    </testcase>
  </testsuite>
  <testsuite name="test/kernel/b.test.ts" file="test/kernel/b.test.ts" tests="2" skipped="1">
    <testcase name="runs" time="0" file="test/kernel/b.test.ts" line="1" assertions="0" />
    <testcase name="needs iptables" time="0" file="test/kernel/b.test.ts" line="9"><skipped /></testcase>
  </testsuite>
</testsuites>`;
  expect(readPassedOver(xml)).toEqual([
    {
      title: "test/kernel/a.test.ts was passed over",
      cause: ["skipped: needs the lab; npm test -- kernel"],
    },
  ]);
});

test("`bun test`, typed bare, passes over what needs the lab", async () => {
  const { [PART_VARIABLE]: _part, TANDEM_LAB_KIND: _kind, ...environment } = process.env;
  const ran = Bun.spawn(
    [process.execPath, "test", "./test/kernel/refusals.test.ts", "./test/namespaces/reload.test.ts"],
    { cwd: ROOT, env: environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  const [said, exitCode] = await Promise.all([ran.stderr.text(), ran.exited]);
  expect(said.split("\n").filter((line) => line.includes("skipped: "))).toEqual([
    expect.stringContaining("skipped: needs the lab; npm test -- kernel"),
    expect.stringContaining("skipped: needs the lab; npm test -- namespaces"),
  ]);
  expect([exitCode, /(\d+) skip$/m.exec(said)?.[1], /(\d+) fail$/m.exec(said)?.[1]]).toEqual([0, "2", "0"]);
});
