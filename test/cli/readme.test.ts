import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { COMMANDS } from "../../src/cli/spec/command-table.ts";

/** The verbs that a row of README's table of commands names: `tandem vip list \\| add` … */
function verbsInReadme(): Record<string, readonly string[]> {
  const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `tandem (\S+) ?([^`]*)` \|/gm)];
  return Object.fromEntries(
    rows.map(([, noun = "", verbs = ""]) => [
      noun,
      verbs
        .split("\\|")
        .map((verb) => verb.trim())
        .filter((verb) => /^[a-z]/.test(verb)),
    ]),
  );
}

test("README's table has every command with every verb, in the order of help", () => {
  const shells = ["bash", "zsh", "fish"];
  const known = COMMANDS.map((noun) => {
    if (noun.kind === "group") return [noun.name, Object.keys(noun.verbs)] as const;
    return [noun.name, noun.name === "completions" ? shells : []] as const;
  });
  expect(verbsInReadme()).toEqual(Object.fromEntries(known));
});
