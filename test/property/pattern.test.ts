import { expect, test } from "bun:test";
import fc from "fast-check";
import { Pattern, PatternSearch } from "../../src/lib/pattern/pattern.ts";

/** Patterns without what only RegExp has, small enough for it. */
const { pattern: patterns } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
  part: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\n", "\\s") },
    { weight: 1, arbitrary: fc.constantFrom("^", "$", "\\b", "\\B") },
    { weight: 2, arbitrary: tie("pattern").map((inner) => `(?:${inner})`) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "{2}", "{1,2}", "{0,1}?", "*?"))
        .map(([inner, times]) => `(?:${inner})${times}`),
    },
  ),
  pattern: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("part"),
    fc.array(tie("part"), { minLength: 0, maxLength: 3 }).map((parts) => parts.join("")),
    fc.tuple(tie("part"), tie("part")).map(([first, second]) => `${first}|${second}`),
  ),
}));
const texts = fc.string({ unit: fc.constantFrom("a", "b", "c", " ", "\n"), maxLength: 12 });

/** The shortest beginning of the text that RegExp finds the pattern in, with the whole text there to look at. */
function shortestEnd(pattern: string, text: string): number | undefined {
  for (let end = 0; end <= text.length; end += 1) {
    // What ends here, and nowhere later: the rest is looked at, but not taken.
    if (new RegExp(`(?:${pattern})(?<=^[^]{${end}})`.replace("(?<=^", "(?<=(?<![^])"), "m").test(text)) return end;
  }
  return undefined;
}

test("a pattern is met where RegExp first can end a match, however the text is cut", () => {
  fc.assert(
    fc.property(patterns, texts, fc.integer({ min: 1, max: 5 }), (pattern, text, pieceBytes) => {
      const compiled = Pattern.compile(pattern);
      if (!compiled.ok) throw new Error(compiled.problem);
      const search = new PatternSearch(compiled.value);
      let taken = 0;
      for (let at = 0; at < text.length && !search.isMet; at += pieceBytes) {
        taken += search.push(Buffer.from(text.slice(at, at + pieceBytes)));
      }
      if (!search.isMet) search.finish();
      expect(search.isMet ? taken : undefined).toBe(shortestEnd(pattern, text) as number);
    }),
    { numRuns: 2_000 },
  );
});
