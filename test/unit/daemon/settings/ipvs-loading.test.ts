import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadIpvsAside } from "../../../../src/daemon/settings/ipvs-loading.ts";

const shell = (script: string) => ["/bin/sh", "-c", script];

/** Whether a process is there and not a zombie, which is what nobody has waited for yet. */
function lives(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("loadIpvsAside()", () => {
  test("finds IPVS there when the other process ends with 0", async () => {
    expect(await loadIpvsAside(shell("exit 0"))).toBeUndefined();
  });

  test("gives the reason that the other process tells, and no more of it than can be read", async () => {
    expect(await loadIpvsAside(shell("printf 'it is forbidden'; exit 1"))).toBe("it is forbidden");
    const flood = await loadIpvsAside(shell("head -c 50000 /dev/zero | tr '\\0' x; exit 1"));
    expect(flood).toBe("x".repeat(300));
  });

  test("says so when the other process dies or cannot be started", async () => {
    expect(await loadIpvsAside(shell("kill -KILL $$"))).toBe("the process that loads it died");
    expect(await loadIpvsAside(["/nonexistent/tandem"])).toStartWith("the process that loads it cannot be started (");
  });

  test("ends one that hangs, and what that has started", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tandem-loading-"));
    const file = join(folder, "pid");
    const hanging = shell(`sleep 1000 & echo $! >${file}; wait`);
    let limitMs = 250;
    // Until it has come as far as that: a busy machine may be later than any limit.
    do {
      limitMs *= 2;
      expect(await loadIpvsAside(hanging, limitMs)).toBe(`it was not loaded within ${limitMs / 1_000} s`);
    } while (!existsSync(file) || !readFileSync(file, "utf8").endsWith("\n"));
    const pid = readFileSync(file, "utf8").trim();
    rmSync(folder, { recursive: true });
    // The signal has been sent; the kernel may take a moment to end it.
    while (lives(pid)) await new Promise(setImmediate);
  });
});
