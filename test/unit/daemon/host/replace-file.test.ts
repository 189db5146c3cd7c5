import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replaceFile } from "../../../../src/daemon/host/replace-file.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-replace-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("replaceFile() replaces files and links, and nothing else unless that is put aside", async () => {
  const path = join(folder, "x.json");
  await replaceFile(path, "1");
  await replaceFile(path, "2");
  expect(readFileSync(path, "utf8")).toBe("2");
  const link = join(folder, "link.json");
  symlinkSync(path, link);
  await replaceFile(link, "3");
  expect([readFileSync(link, "utf8"), readFileSync(path, "utf8")]).toEqual(["3", "2"]);
  const pipe = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  await expect(replaceFile(pipe, "4")).rejects.toThrow("something that is no regular file has its name");
  expect(statSync(pipe).isFIFO()).toBe(true);
  await replaceFile(pipe, "4", `${pipe}.aside`);
  expect([readFileSync(pipe, "utf8"), statSync(`${pipe}.aside`).isFIFO()]).toEqual(["4", true]);
});
