import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSecret } from "../../../src/probe/protocols/secret.ts";
import { tlsSettings } from "../../../src/probe/transport/tls-files.ts";

let folder = "";
let pipe = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-probe-"));
  pipe = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One pipe would hold up all checks, which share a process. */
test("a check's files that are pipes or missing are a problem, and nothing waits for them", () => {
  const none = join(folder, "none");
  expect(readSecret(pipe)).toEqual({ ok: false, problem: `cannot read the secret ${pipe}: it is no regular file` });
  expect(readSecret(none)).toEqual({ ok: false, problem: `cannot read the secret: there is no ${none} (ENOENT)` });
  const tls = (authoritiesFile: string) =>
    tlsSettings({ serverName: "x", verify: true, tls: { authoritiesFile }, authorities: undefined });
  expect(tls(pipe)).toEqual({ ok: false, problem: `cannot prepare TLS: ${pipe}: it is no regular file` });
  expect(tls(none)).toEqual({ ok: false, problem: `cannot prepare TLS: ${none}: it does not exist (ENOENT)` });
});

test("readSecret() gives the first line, also with a line end of Windows", () => {
  const path = join(folder, "secret");
  writeFileSync(path, "s3cret\r\nsecond\n");
  const secret = readSecret(path);
  expect(secret.ok && Buffer.from(secret.value).toString()).toBe("s3cret");
});
