/** Runs before every `bun test` (bunfig.toml): the time limit, and what is passed over where its needs are not met. */
import { setDefaultTimeout } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { plugin } from "bun";
import { NEEDY_FILES, PART_VARIABLE, unmetNeed } from "./support/needs.ts";

const ROOT = resolve(import.meta.dir, "..");
/** Tests of the kernel wait for real leases to end and real routers to take over, on a slow processor. */
const TEST_LIMIT_MS = 240_000;

// Bun 1.4.5 knows no time limit in bunfig.toml, and takes this one for more than an option on the command line.
const words = readFileSync("/proc/self/cmdline", "utf8").split("\0");
if (!words.some((word) => word.startsWith("--timeout"))) setDefaultTimeout(TEST_LIMIT_MS);

const surroundings = {
  part: process.env[PART_VARIABLE],
  labKind: process.env["TANDEM_LAB_KIND"],
  hasBinary: existsSync(join(ROOT, "dist/tandem")),
};

function passOver(path: string, need: string): string {
  const name = JSON.stringify(need);
  return `import { test } from "bun:test";\ntest.skip(${name}, () => {}); // in place of ${path}\n`;
}

if (surroundings.part === undefined) {
  plugin({
    name: "needs of test files",
    setup(build) {
      build.onLoad({ filter: NEEDY_FILES }, async ({ path }) => {
        const folder = /\/test\/([^/]+)\//.exec(path.slice(ROOT.length))?.[1] ?? "";
        const need = unmetNeed(folder, surroundings);
        // The file is not even read: what it imports may need the same.
        const contents = need === undefined ? await Bun.file(path).text() : passOver(path, need);
        return { contents, loader: "ts" };
      });
    },
  });
}
