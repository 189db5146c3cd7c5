import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readableFileComplaint } from "../../../src/host/named-file.ts";
import { programComplaint } from "../../../src/host/program-file.ts";
import { thisHost } from "../../../src/host/this-host.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-host-"));
  Bun.spawnSync(["mkfifo", join(folder, "pipe")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const SCRIPT = "#!/bin/sh\nexit 0\n";

describe("a program", () => {
  test("that can be started is fine, as root and as a user", () => {
    const path = file("good", SCRIPT, 0o755);
    expect(programComplaint(path, undefined)).toBeUndefined();
    expect(programComplaint(path, "nobody")).toBeUndefined();
    expect(programComplaint(process.execPath, undefined)).toBeUndefined();
  });

  test("that is missing, a folder or a pipe is not", () => {
    expect(programComplaint(join(folder, "none"), undefined)?.problem).toBe(
      "can't be used: it does not exist (ENOENT)",
    );
    expect(programComplaint(folder, undefined)?.problem).toBe("is not a regular file");
    expect(programComplaint(join(folder, "pipe"), undefined)?.problem).toBe("is not a regular file");
  });

  test("whose mode does not let it be executed", () => {
    const problem = "can't be executed: its mode does not allow it";
    const plain = file("plain", SCRIPT, 0o644);
    expect(programComplaint(plain, undefined)).toEqual({ problem, hint: `chmod u+x ${plain}` });
    const own = file("own", SCRIPT, 0o700);
    expect(programComplaint(own, undefined)).toBeUndefined();
    // 65534 does not own it, whoever runs this test.
    expect(programComplaint(own, "nobody")).toEqual({ problem, hint: `chmod a+rx ${own}` });
    expect(programComplaint(file("group", SCRIPT, 0o750), "nobody")).toBeUndefined();
  });

  test("that no kernel can execute: an interpreter that is missing, a text without one, an empty file", () => {
    expect(programComplaint(file("lost", "#! /opt/none/perl -w\n", 0o755), undefined)?.problem).toBe(
      "can't be executed: its interpreter /opt/none/perl can't be used: it does not exist (ENOENT)",
    );
    expect(programComplaint(file("bare", "echo hello\n", 0o755), undefined)?.problem).toBe(
      'can\'t be executed: it is a text without "#!" and an interpreter in its first line',
    );
    expect(programComplaint(file("empty", "", 0o755), undefined)?.problem).toBe("can't be executed: it is empty");
    expect(programComplaint(file("foreign", "\x7fELF\x02\x01", 0o755), undefined)).toBeUndefined();
  });

  test("whose user is not known, or is root, which no check runs as", () => {
    const path = file("for-user", SCRIPT, 0o755);
    expect(programComplaint(path, "no-such-user")?.problem).toContain('there is no user "no-such-user"');
    expect(programComplaint(path, "root")?.problem).toBe("can't be started: a check does not run as root");
  });
});

test("an interface is there or not", () => {
  const host = thisHost();
  expect([host.hasInterface("lo"), host.hasInterface("none0")]).toEqual([true, false]);
});

describe("a file", () => {
  test("is readable, missing, or none that can be read", () => {
    expect(readableFileComplaint(file("readable", "x", 0o600))).toBeUndefined();
    expect(readableFileComplaint(join(folder, "none"))?.problem).toBe("can't be used: it does not exist (ENOENT)");
    expect(readableFileComplaint(folder)?.problem).toBe("is not a regular file");
    expect(readableFileComplaint(join(folder, "pipe"))?.problem).toBe("is not a regular file");
  });

  test("with a secret has one in its first line", () => {
    const { secretFile } = thisHost();
    expect(secretFile(file("secret", "s3cret\n", 0o600))).toBeUndefined();
    const path = file("no-secret", "\n", 0o600);
    expect(secretFile(path)?.problem).toBe(`is of no use: the first line of ${path} is empty`);
    expect(secretFile(join(folder, "pipe"))?.problem).toBe("is not a regular file");
  });

  test("with keys is looked at as the daemon does", () => {
    const { keyFile } = thisHost();
    const key = "0f".repeat(32);
    expect(keyFile(file("pair.key", key, 0o600))).toBeUndefined();
    expect(keyFile(file("open.key", key, 0o666))?.problem).toStartWith("is of no use: its mode is 0666");
    expect(keyFile(file("short.key", "0f0f", 0o600))?.problem).toStartWith("is of no use: line 1 is not a key");
    expect(keyFile(file("huge.key", "#".repeat(5_000), 0o600))?.problem).toStartWith("is of no use: it has 5000 bytes");
    expect(keyFile(join(folder, "pipe"))?.problem).toBe("is of no use: it is not a regular file");
  });
});
