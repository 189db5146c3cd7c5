import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, loadKeys } from "../../../src/config/load.ts";
import { MAX_CONFIG_BYTES } from "../../../src/config/parse.ts";
import { exampleConfig } from "../../../src/config/render/example.ts";
import { TandemError } from "../../../src/lib/errors.ts";

const KEY = `${"0f".repeat(32)}\n`;
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** What a failing call says, with the exit code. */
function failureOf(call: () => unknown): {
  readonly reason: string;
  readonly exitCode: number;
  readonly hint: string | undefined;
} {
  try {
    call();
  } catch (error) {
    if (error instanceof TandemError) return { reason: error.reason, exitCode: error.exitCode, hint: error.hint };
    throw error;
  }
  throw new Error("it did not fail");
}

describe("loadConfig()", () => {
  test("reads and parses a file", () => {
    const path = file("good.toml", exampleConfig);
    expect(loadConfig(path)).toMatchObject({ path, text: exampleConfig, result: { ok: true } });
  });

  test("gives mistakes in the file as values", () => {
    expect(loadConfig(file("bad.toml", "x = 1")).result.ok).toBe(false);
  });

  const hint = "name the file with --config, or begin with: tandem config example";
  test("says that a file is missing", () => {
    expect(failureOf(() => loadConfig(join(folder, "none.toml")))).toEqual({
      reason: "there is no such file (ENOENT)",
      exitCode: 2,
      hint,
    });
  });

  test("refuses a folder, a device, and a file that is too large", () => {
    mkdirSync(join(folder, "folder"));
    expect(failureOf(() => loadConfig(join(folder, "folder")))).toMatchObject({ reason: "it is not a regular file" });
    expect(failureOf(() => loadConfig("/dev/zero"))).toMatchObject({ reason: "it is not a regular file", exitCode: 2 });
    const large = file("large.toml", "#".repeat(MAX_CONFIG_BYTES + 1));
    expect(failureOf(() => loadConfig(large))).toMatchObject({
      reason: `it has ${MAX_CONFIG_BYTES + 1} bytes; the limit is ${MAX_CONFIG_BYTES}`,
    });
  });

  test("refuses bytes that are no UTF-8", () => {
    expect(failureOf(() => loadConfig(file("latin1.toml", new Uint8Array([0x0a, 0x23, 0xe4, 0x0a]))))).toEqual({
      reason: "it is not UTF-8 text, in line 2",
      exitCode: 2,
      hint: "save it as UTF-8",
    });
  });
});

describe("loadKeys()", () => {
  test("reads the keys of a file that only its owner, or its group, may read", () => {
    expect(loadKeys(file("pair.key", KEY)).accepted).toHaveLength(1);
    expect(loadKeys(file("group.key", KEY, 0o640)).accepted).toHaveLength(1);
  });

  test.each([0o644, 0o604, 0o620, 0o602, 0o601])("refuses a file with mode %d", (mode) => {
    const path = file(`mode-${mode}.key`, KEY, mode);
    expect(failureOf(() => loadKeys(path))).toEqual({
      reason: `its mode is 0${mode.toString(8)}, so others can read or change it`,
      exitCode: 2,
      hint: `chmod 600 ${path}`,
    });
  });

  test("refuses a file of another user", () => {
    const path = file("foreign.key", KEY);
    const owner = 54_321;
    const isRoot = process.geteuid?.() === 0;
    // Only root can give a file away; for another user the same file is that of somebody else.
    if (isRoot) chownSync(path, owner, owner);
    const foreign = { reason: expect.stringMatching(/^it belongs to the user \d+, who can read and change it$/) };
    expect(failureOf(() => loadKeys(path, isRoot ? 0 : owner))).toMatchObject({ ...foreign, exitCode: 2 });
    expect(loadKeys(path, isRoot ? owner : undefined).accepted).toHaveLength(1);
  });

  test("does not wait for a pipe", () => {
    const path = join(folder, "pipe.key");
    expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
    expect(failureOf(() => loadKeys(path))).toMatchObject({ reason: "it is not a regular file", exitCode: 2 });
  });

  test("says that a key file is missing or has no key in it, and how to make one", () => {
    const path = join(folder, "none.key");
    const hint = `copy it from the other router, or make the first one: tandem heartbeat keygen ${path}`;
    expect(failureOf(() => loadKeys(path))).toEqual({ reason: "there is no such file (ENOENT)", exitCode: 2, hint });
    expect(failureOf(() => loadKeys(file("empty.key", "\n")))).toMatchObject({
      reason: "there is no key in it",
      exitCode: 2,
    });
  });
});
