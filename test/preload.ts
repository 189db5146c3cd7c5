/** Runs before every `bun test` (bunfig.toml): the time limit, and what is passed over where its needs are not met. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { plugin } from "bun";
import { PART_VARIABLE, TEST_LIMIT_MS, unmetNeed } from "./support/needs.ts";

const ROOT = resolve(import.meta.dir, "..");

// Bun 1.4.5 knows no time limit in bunfig.toml, and takes one that is set at run time for more than its option.
const words = readFileSync("/proc/self/cmdline", "utf8").split("\0");
const hasLimit = words.some((word) => word.startsWith("--timeout"));

const surroundings = {
  part: process.env[PART_VARIABLE],
  labKind: process.env["TANDEM_LAB_KIND"],
  hasBinary: existsSync(join(ROOT, "dist/tandem")),
};

/** In place of a file: one skipped test. The file is not even read, as what it imports may need the same. */
function passOver(need: string): string {
  return `import { test } from "bun:test"; test.skip(${JSON.stringify(need)}, () => {});\n`;
}

/** A limit set at run time ends with the file that set it: each one does, on its first line, so that lines stay. */
function withLimit(text: string): string {
  const limit = `import { setDefaultTimeout as setLimit } from "bun:test"; setLimit(${TEST_LIMIT_MS}); `;
  return hasLimit ? text : `${limit}${text}`;
}

plugin({
  name: "tests outside of the runner",
  setup(build) {
    build.onLoad({ filter: /\.test\.ts$/ }, async ({ path }) => {
      const need = path.startsWith(`${ROOT}/test/`)
        ? unmetNeed(path.slice(`${ROOT}/test/`.length), surroundings)
        : undefined;
      const contents = need === undefined ? withLimit(await Bun.file(path).text()) : passOver(need);
      return { contents, loader: "ts" };
    });
  },
});
