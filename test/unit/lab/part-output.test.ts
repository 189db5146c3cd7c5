import { describe, expect, test } from "bun:test";
import { PartOutput } from "../../support/part-output.ts";

function storyOf(...pieces: readonly string[]): string[] {
  const output = new PartOutput();
  for (const piece of pieces) output.add("stderr", new TextEncoder().encode(piece));
  return output.story();
}

describe("PartOutput", () => {
  test("tells how far the tests came, in whatever pieces they told it", () => {
    const text =
      "bun test v1.4.5\n\ntest/a.test.ts:\n(pass) one [1ms]\n\u001b[31m(fail)\u001b[0m two [2ms]\n\ntest/b.test.ts:\nwords\n";
    const told = [
      "(fail) two [2ms]",
      "the last file begun was test/b.test.ts",
      "the last test that ended was (fail) two [2ms]",
    ];
    expect(storyOf(text)).toEqual(told);
    expect(storyOf(...text)).toEqual(told);
  });

  test("tells errors outside of tests", () => {
    expect(storyOf("test/d.test.ts:\n\n# Unhandled error between tests\nerror: it cannot be loaded\n")).toEqual([
      "error: it cannot be loaded",
      "the last file begun was test/d.test.ts",
    ]);
  });

  test("gives the last words of what says nothing that is known", () => {
    expect(storyOf("1\n2\n3\n4\n", "5\n\nand then")).toEqual(
      [3, 4, 5, "and then"].map((word) => `its last words: ${word}`),
    );
  });

  test("says nothing of silence", () => {
    expect(storyOf()).toEqual([]);
  });
});
