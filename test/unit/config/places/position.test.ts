import { expect, test } from "bun:test";
import { LineIndex, offsetOf, scanPositions } from "../../../../src/config/places/position.ts";

const TEXT = `# a comment with "quotes" and [brackets]
top = 'lit#eral' # after
"quoted key".'b' = """
two "" lines \\" ]
"""
[a . "b.c"]
d.e = { f = [ 1, "x]", # comment
  { g = '''it's''' },
], h = 2 }
[[list]]
k = 1979-05-27 07:32:00
[list.inner]
k = 2
[[list]]
[[list.deep]]
k = "\\u0041\\""
`;

/** The text that begins at what a path names, up to the end of its line. */
function at(path: string, side: "key" | "value"): string {
  const offset = offsetOf(scanPositions(TEXT), path, side);
  return TEXT.slice(offset).split("\n")[0] ?? "";
}

const ROWS: readonly (readonly [path: string, key: string, value: string])[] = [
  ["top", "top = 'lit#eral' # after", "'lit#eral' # after"],
  ['"quoted key".b', `'b' = """`, '"""'],
  ["a", '[a . "b.c"]', '[a . "b.c"]'],
  ['a."b.c"', '[a . "b.c"]', '[a . "b.c"]'],
  ['a."b.c".d', 'd.e = { f = [ 1, "x]", # comment', '{ f = [ 1, "x]", # comment'],
  ['a."b.c".d.e', 'e = { f = [ 1, "x]", # comment', '{ f = [ 1, "x]", # comment'],
  ['a."b.c".d.e.f', 'f = [ 1, "x]", # comment', '[ 1, "x]", # comment'],
  ['a."b.c".d.e.f[1]', '"x]", # comment', '"x]", # comment'],
  ['a."b.c".d.e.f[2].g', "g = '''it's''' },", "'''it's''' },"],
  ['a."b.c".d.e.h', "h = 2 }", "2 }"],
  ["list", "[[list]]", "[[list]]"],
  ["list[0].k", "k = 1979-05-27 07:32:00", "1979-05-27 07:32:00"],
  ["list[0].inner.k", "k = 2", "2"],
  ["list[1]", "[[list]]", "[[list]]"],
  ["list[1].deep[0].k", 'k = "\\u0041\\""', '"\\u0041\\""'],
  ["list[1].deep[0].missing.more", "[[list.deep]]", "[[list.deep]]"],
  ['a."b.c".d.e.f[9]', 'f = [ 1, "x]", # comment', '[ 1, "x]", # comment'],
  ["nowhere", '# a comment with "quotes" and [brackets]', '# a comment with "quotes" and [brackets]'],
];

test.each(ROWS)("scanPositions() finds the key and the value of %s", (path, key, value) => {
  expect({ key: at(path, "key"), value: at(path, "value") }).toEqual({ key, value });
});

test("LineIndex tells line and column of an offset, from 1", () => {
  const index = new LineIndex("ab\r\n\ncd");
  expect([0, 2, 3, 4, 5, 6, 7].map((offset) => index.locate(offset))).toEqual([
    { line: 1, column: 1 },
    { line: 1, column: 3 },
    { line: 1, column: 4 },
    { line: 2, column: 1 },
    { line: 3, column: 1 },
    { line: 3, column: 2 },
    { line: 3, column: 3 },
  ]);
});
