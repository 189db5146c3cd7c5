import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runBounded } from "../../fresh/bounded-program.ts";
import { namespacesObstacle } from "../../lab/namespaces.ts";

const FOREVER_MS = 60_000;
const never = new AbortController().signal;

describe.skipIf(namespacesObstacle() !== undefined)("runBounded()", () => {
  test("gives what a program printed and its status", async () => {
    const ended = await runBounded(["sh", "-c", "echo out; echo err >&2; exit 3"], {
      limitMs: FOREVER_MS,
      signal: never,
    });
    expect({ lines: ended.output.split("\n").toSorted(), status: ended.status }).toEqual({
      lines: ["", "err", "out"],
      status: 3,
    });
  });

  test("ends a program at its limit, with what it has started and left behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-bounded-"));
    try {
      const pipe = join(folder, "pipe");
      Bun.spawnSync(["mkfifo", pipe]);
      // What stays behind holds the output open, and would write as soon as somebody reads.
      const script = `setsid sh -c 'echo yes >${pipe}; echo yes >${folder}/wrote' & sleep 1000`;
      const ended = await runBounded(["sh", "-c", script], { limitMs: 300, signal: never });
      expect(ended.status).toBeUndefined();
      const read = Bun.spawnSync(["timeout", "1", "cat", pipe]);
      expect({ read: read.stdout.toString(), wrote: existsSync(join(folder, "wrote")) }).toEqual({
        read: "",
        wrote: false,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("ends a program when the signal says so, also before it has begun", async () => {
    expect(
      (await runBounded(["sleep", "1000"], { limitMs: FOREVER_MS, signal: AbortSignal.abort() })).status,
    ).toBeUndefined();
  });
});
