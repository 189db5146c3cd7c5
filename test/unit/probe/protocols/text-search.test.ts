import { expect, test } from "bun:test";
import { TextSearch } from "../../../../src/probe/protocols/text-search.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function search(wanted: string, pieces: readonly string[], limitBytes = 100): TextSearch {
  const made = new TextSearch(wanted, limitBytes);
  for (const piece of pieces) made.push(bytes(piece));
  return made;
}

test.each<[string, readonly string[], boolean]>([
  ["HTTP/1.", ["HTTP/1.1 200"], true],
  ["HTTP/1.", ["HT", "T", "P/", "1", "."], true],
  ["HTTP/1.", ["noise HTTP/", "2 HTTP/1", ".0"], true],
  ["HTTP/1.", ["SSH-2.0"], false],
  ["é", ["caf", "é"], true],
  ["", [], true],
])("TextSearch for %p in %j: %p", (wanted, pieces, found) => {
  expect(search(wanted, pieces).found).toBe(found);
});

test("TextSearch stops at its limit, to the byte", () => {
  expect([search("end", ["0123456", "end"], 10).found, search("end", ["0123456", "end"], 9).found]).toEqual([
    true,
    false,
  ]);
  expect(search("end", ["0123456", "end"], 9).exhausted).toBe(true);
});

test("TextSearch remembers the first 64 bytes only", () => {
  const made = search(
    "never",
    Array.from({ length: 100 }, () => "0123456789"),
    1_000_000,
  );
  expect([made.head.length, made.seenBytes]).toEqual([64, 1_000]);
});
