import { describe, expect, test } from "bun:test";
import { Pattern, PatternSearch } from "../../../../src/lib/pattern/pattern.ts";

function compiled(text: string): Pattern {
  const pattern = Pattern.compile(text);
  if (!pattern.ok) throw new Error(pattern.problem);
  return pattern.value;
}

/** How many letters of the text are taken until the pattern is met; undefined: it never is, the end included. */
function endOf(pattern: string, text: string): number | undefined {
  const search = new PatternSearch(compiled(pattern));
  const bytes = Buffer.from(text, "latin1");
  const taken = search.push(bytes);
  if (!search.isMet) search.finish();
  return search.isMet ? taken : undefined;
}

describe("a pattern is met at the first byte possible", () => {
  test.each<[string, string, number | undefined]>([
    ["^220 [^\\n]*\\n", "220 mail\r\n250 x\n", 10],
    ["^250(?: [^\\n]*)?\\n", "250-one\r\n250 two\r\n", 18],
    ["b+", "abbb", 2],
    ["a{2,3}", "xaaaa", 3],
    ["a{2}$", "aaa", 3],
    ["x*", "abc", 0],
    ["(a|aa)*b", "aaab", 4],
    ["(?:)*b", "b", 1],
    ["ready$", "ready\n", 5],
    ["ready$", "ready", 5],
    ["ready$", "readyness", undefined],
    ["^b", "ab\nb", 4],
    ["\\bcat\\b", "concat cat.", 10],
    ["\\Bat", "at cat", 6],
    ["[^a-c]", "abcd", 4],
    ["[\\d.]+x", "v1.2x", 5],
    ["[a\\]-]-", "]-", 2],
    ["\\x00\\xff", "a\0\xff", 3],
    ["é", "\xc3\xa9", 2],
    ["é+!", "\xc3\xa9\xc3\xa9!", 5],
    ["(?i)ReaDy[k-m]", "xREADYL", 7],
    ["(?<word>a)b", "ab", 2],
    [".", "\n", undefined],
    ["^220 .*\\n", "220 mail\r\n", 10],
    ["^220 .*l$", "220 mail\r\n", 8],
    ["a{,3}{", "a{,3}{", 6],
    ["a|", "b", 0],
    ["[]", "b", undefined],
    ["[^]", "\n", 1],
  ])("%p in %p", (pattern, text, end) => {
    expect(endOf(pattern, text)).toBe(end as number);
  });
});

test.each<[string, string]>([
  ["(a", 'there is a "(" without a ")"'],
  ["a)", 'there is a ")" without a "("'],
  ["*a", 'there is nothing to repeat before "*"'],
  ["a**", 'there is nothing to repeat before "*"'],
  ["^*", "an assertion is repeated"],
  ["[a", 'there is a "[" without a "]"'],
  ["[b-a]", "a range in [] ends before it begins"],
  ["a{2000}", "it repeats more than 1000 times"],
  ["a{3,2}", "{3,2} ends before it begins"],
  ["((a{100}){100}){100}", "it is too long when its repetitions are written out"],
  ["(?=a)", "it looks ahead or behind, which one pass over an answer can't"],
  ["(?<!a)", "it looks ahead or behind, which one pass over an answer can't"],
  ["(a)\\1", "it refers back to a group (\\1), which one pass over an answer can't"],
  ["\\q", "\\q is not known"],
  ["\\u20ac", "\\u20ac is more than one byte; write its bytes as \\xHH"],
  ["[é]", "a letter in [] is more than one byte; write bytes as \\xHH, or use (a|b)"],
  ["(?i", 'a group begins "(", "(?:" or "(?<NAME>"; "(?i)" only begins a pattern'],
  ["\\x1", "a byte is written as \\xHH"],
  ["\\", "it ends too early"],
])("Pattern.compile(%p) says what is wrong", (text, problem) => {
  expect(Pattern.compile(text)).toEqual({ ok: false, problem });
});

test("a pattern that RegExp takes for ever with takes a moment, also on answers that come byte by byte", () => {
  // 40 letters keep RegExp busy for days; the limit here is thousands of times what it takes.
  for (const text of ["(a|aa)*b", "(a*)*b", "(?:a|a)*b", "a*a*a*a*a*a*b", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]) {
    const search = new PatternSearch(compiled(text));
    const beganMs = performance.now();
    for (let count = 0; count < 1_000_000; count += 1) search.push(Uint8Array.of(0x61));
    expect([search.isMet, performance.now() - beganMs < 20_000]).toEqual([false, true]);
  }
});

test("a pattern with a state for each of a million answers keeps a bounded number of them", () => {
  // Whether the 18th letter from the end was an a: 2 to the 18 states.
  const search = new PatternSearch(compiled("a[ab]{18}c"));
  // What is kept: what the collector has not come to yet depends on the tests before.
  const keptBytes = () => {
    Bun.gc(true);
    return process.memoryUsage().heapUsed;
  };
  const before = keptBytes();
  let seed = 1;
  const bytes = Uint8Array.from({ length: 300_000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed > 1_000_000_000 ? 0x61 : 0x62;
  });
  expect(search.push(bytes)).toBe(bytes.length);
  // It is 0.4 MB with the bound, and 6.6 MB without.
  expect(keptBytes() - before).toBeLessThan(2_000_000);
  // Used afterwards, so that the collector has to keep it.
  expect(search.isMet).toBe(false);
});
