import { expect, test } from "bun:test";
import { formatIssues } from "../../../src/config/format-issues.ts";

const LONG = `listen = [${Array.from({ length: 12 }, (_, index) => `"tcp://203.0.113.10:${8000 + index}"`).join(", ")}]`;

test("formatIssues() shows file, place, message, the line with a caret, and the hint", () => {
  const text = 'a = 1\n\tname = "x y"\r\n';
  const issue = { line: 2, column: 9, path: "name", message: "name: it has a space", hint: "leave it out" };
  expect(formatIssues(text, "f.toml", [issue])).toBe(
    `f.toml:2:9: name: it has a space
  2 |  name = "x y"
    |         ^
  hint: leave it out
`,
  );
});

test("formatIssues() says that a warning is one", () => {
  expect(formatIssues("a = 1", "f", [{ line: 1, column: 5, path: "a", message: "odd" }], "warning")).toBe(
    "f:1:5: warning: odd\n  1 | a = 1\n    |     ^\n",
  );
});

test("formatIssues() breaks messages and cuts source lines at 80 columns, with the caret below the same character", () => {
  const column = LONG.indexOf("8009") + 1;
  const message = "a sentence that is so long that it can't stand in one line of a narrow terminal, so it goes on";
  const output = formatIssues(LONG, "f.toml", [{ line: 1, column, path: "listen[9]", message }]);
  const lines = output.trimEnd().split("\n");
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  const caret = lines.at(-1)?.indexOf("^") ?? -1;
  expect(lines.at(-2)?.slice(caret, caret + 4)).toBe("8009");
  expect(lines.slice(0, 2)).toEqual([
    "f.toml:1:395: a sentence that is so long that it can't stand in one line of a".replace("395", String(column)),
    "  narrow terminal, so it goes on",
  ]);
});

test("formatIssues() breaks a path that is longer than a line without a blank in it", () => {
  const path = `/usr/local/lib/${"folder/".repeat(8)}run`;
  const message = `the program ${path} can't be used`;
  const printed = formatIssues("", "f", [{ line: 1, column: 1, path: "", message }]);
  expect(printed.replaceAll("\n  ", "")).toContain(path);
});

test("formatIssues() shows no source where there is none", () => {
  expect(formatIssues("", "f", [{ line: 1, column: 1, path: "", message: "empty" }])).toBe("f:1:1: empty\n");
  expect(formatIssues("x", "f", [])).toBe("");
});
