import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMMIT_MODULE = join(import.meta.dir, "../../../src/build/commit.ts");

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-commit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a program says of `root` that finds programs along `path`, with a git that knows one commit. */
function commitOf(root: string, path: string): string {
  const script = `import { commitOf } from ${JSON.stringify(COMMIT_MODULE)}; process.stdout.write(commitOf(${JSON.stringify(root)}));`;
  const ran = Bun.spawnSync([process.execPath, "-e", script], { env: { PATH: path } });
  return `${ran.stdout}${ran.stderr}`;
}

function withGit(): string {
  const programs = join(folder, "programs");
  mkdirSync(programs);
  writeFileSync(join(programs, "git"), "#!/bin/sh\necho 0123456789\n", { mode: 0o755 });
  return programs;
}

describe("commitOf()", () => {
  test("asks git in a clone", () => {
    mkdirSync(join(folder, ".git"));
    expect(commitOf(folder, withGit())).toBe("0123456789");
  });

  test("is unknown on a machine without git", () => {
    mkdirSync(join(folder, ".git"));
    expect(commitOf(folder, join(folder, "nothing"))).toBe("unknown");
  });

  test("is unknown in a source archive, also inside of another project's clone", () => {
    mkdirSync(join(folder, ".git"));
    mkdirSync(join(folder, "archive"));
    expect(commitOf(join(folder, "archive"), withGit())).toBe("unknown");
  });
});
