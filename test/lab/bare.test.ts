/** `bun test`, typed bare: here and not beside the unit tests, since it takes longer than Bun's own limit. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** `bun test --help`: the default of --timeout. */
const BUN_LIMIT_MS = 5_000;

test("the preload gives the tests of every file their time, not only those of the first one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-bare-"));
  try {
    const body = (waitMs: number) => `import { test } from "bun:test";\ntest("waits", () => Bun.sleep(${waitMs}));\n`;
    writeFileSync(join(folder, "a.test.ts"), body(0));
    writeFileSync(join(folder, "b.test.ts"), body(BUN_LIMIT_MS + 500));
    const preload = `--preload=${resolve(import.meta.dir, "../preload.ts")}`;
    const ran = Bun.spawn([process.execPath, "test", preload, "./a.test.ts", "./b.test.ts"], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [said, exitCode] = await Promise.all([ran.stderr.text(), ran.exited]);
    expect([exitCode, /(\d+) pass$/m.exec(said)?.[1], /(\d+) fail$/m.exec(said)?.[1]]).toEqual([0, "2", "0"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
