import { expect, test } from "bun:test";
import { roffDefinition } from "../../../../src/cli/docs/roff.ts";

test("roffDefinition() puts space between paragraphs, and no request in sight", () => {
  expect(roffDefinition("a-b", ["One.", ".dots"])).toEqual([".TP", "\\fBa\\-b\\fR", "One.", ".sp", "\\&.dots"]);
});
