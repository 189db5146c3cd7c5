/** Each transcript tells the story of a rule. `UPDATE=1` rewrites them: commit only what you can explain. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Transcript } from "./transcript.ts";

/** Plays every block of the text and puts what happened in place of what was written. */
function replay(text: string): string {
  const transcript = new Transcript();
  const blocks = text.trimEnd().split(/\n\n+/);
  return `${blocks
    .map((block) => {
      const lines = block.split("\n");
      const end = lines.indexOf("----");
      const head = end < 0 ? lines : lines.slice(0, end);
      const commands = head.filter((line) => line !== "" && !line.startsWith("#"));
      return commands.length === 0 ? block : [...head, "----", ...transcript.play(commands)].join("\n");
    })
    .join("\n\n")}\n`;
}

const FILES = readdirSync(import.meta.dir).filter((name) => name.endsWith(".txt"));

test.each(FILES)("the story of %s is still true", (name) => {
  const path = join(import.meta.dir, name);
  const written = readFileSync(path, "utf8");
  const played = replay(written);
  if (process.env["UPDATE"] === "1") writeFileSync(path, played);
  else expect(played).toBe(written);
});
