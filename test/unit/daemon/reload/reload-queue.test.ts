import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey } from "../../../../src/config/key-file.ts";
import { ConfigurationFile } from "../../../../src/daemon/reload/configuration.ts";
import { ReloadQueue, type ReloadRequest } from "../../../../src/daemon/reload/reload-queue.ts";
import { refused } from "../../../../src/daemon/reload/reload-result.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const REFUSED = refused({ text: "" });

/** Reloads that take some time and count themselves. */
class Reloads {
  nowMs = 0;
  takesMs = 0;
  count = 0;
  readonly results: string[] = [];
  readonly requests: ReloadRequest[] = [];
  readonly queue = new ReloadQueue(
    (request) => {
      this.count += 1;
      this.nowMs += this.takesMs;
      this.requests.push(request);
      return Promise.resolve({ ...REFUSED, text: `reload ${this.count}` });
    },
    () => this.nowMs,
  );

  ask(request: ReloadRequest = { by: "signal", force: false }): void {
    this.queue.request(request, ({ text }) => this.results.push(text));
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    jest.advanceTimersByTime(ms);
    // A reload is over some microtasks later.
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }
}

describe("ReloadQueue", () => {
  test("reloads at once where none was lately, and answers each who asked", async () => {
    const reloads = new Reloads();
    reloads.ask();
    reloads.ask();
    expect(reloads.results).toEqual([]);
    await reloads.pass(1);
    expect([reloads.count, reloads.results]).toEqual([1, ["reload 1", "reload 1"]]);
  });

  test("a hundred requests a second are five reloads, and each gets the result of one that began after it", async () => {
    const reloads = new Reloads();
    for (let turn = 0; turn < 100; turn += 1) {
      reloads.ask();
      await reloads.pass(10);
    }
    await reloads.pass(300);
    expect(reloads.count).toBeLessThanOrEqual(6);
    expect(reloads.results).toHaveLength(100);
    expect(reloads.results.at(-1)).toBe(`reload ${reloads.count}`);
  });

  test("leaves the more time between them the longer one takes", async () => {
    const reloads = new Reloads();
    reloads.takesMs = 100;
    reloads.ask();
    await reloads.pass(1);
    reloads.ask();
    await reloads.pass(990);
    expect(reloads.count).toBe(1);
    await reloads.pass(10);
    expect(reloads.count).toBe(2);
  });

  test("a request that comes while one is under way gets the next one; who may take everything away says so for all", async () => {
    const reloads = new Reloads();
    reloads.ask();
    reloads.ask({ by: "operator", force: true });
    reloads.pass(1).then(() => {});
    reloads.ask();
    await reloads.pass(1_000);
    expect(reloads.requests).toEqual([
      { by: "operator", force: true },
      { by: "signal", force: false },
    ]);
    expect(reloads.results).toEqual(["reload 1", "reload 1", "reload 2"]);
  });

  test("those who wait at the end are told", async () => {
    const reloads = new Reloads();
    reloads.ask();
    reloads.queue.close();
    await reloads.pass(1_000);
    expect([reloads.count, reloads.results]).toEqual([0, ["this router is ending"]]);
  });
});

test("ConfigurationFile gives the very same configuration while the file says the same, with the keys as they are", () => {
  const folder = mkdtempSync(join(tmpdir(), "tandem-file-"));
  try {
    const key = join(folder, "pair.key");
    const path = join(folder, "tandem.toml");
    const router = (which: string, last: number) =>
      `[pair.${which}]\nname = "${which}"\npublic = "203.0.113.${last}"\nprivate = "10.0.0.${last}"\n`;
    const text = `[pair]\nkey_file = "${key}"\n${router("primary", 2)}${router("backup", 3)}[[vip]]\naddress = "203.0.113.10/24"\ninterface = "eth0"\n`;
    writeFileSync(key, generateKey(), { mode: 0o600 });
    writeFileSync(path, text);
    const file = new ConfigurationFile(path);
    const first = file.read();
    writeFileSync(key, generateKey(), { mode: 0o600 });
    const second = file.read();
    expect(second.config).toBe(first.config);
    expect(second.keys).not.toEqual(first.keys);
    writeFileSync(path, `${text}# changed\n`);
    expect(file.read().config).not.toBe(first.config);
    writeFileSync(path, "nonsense = 1\n");
    expect(() => file.read()).toThrow("it has");
    expect(() => file.read()).toThrow("it has");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
