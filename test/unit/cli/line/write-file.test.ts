import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFile } from "../../../../src/cli/line/write-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-write-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

describe("writeFile()", () => {
  test("replaces a file, keeps its mode, and leaves nothing beside it", () => {
    const file = join(folder, "table");
    writeFile(file, bytes("one"));
    chmodSync(file, 0o640);
    writeFile(file, bytes("two"));
    expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777, readdirSync(folder)]).toEqual([
      "two",
      0o640,
      ["table"],
    ]);
  });

  // `service save /dev/null` as root put a plain file there.
  test("writes into what is no file, and never takes its place", () => {
    const pipe = join(folder, "pipe");
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    const reader = Bun.spawn(["cat", pipe], { stdout: "pipe" });
    writeFile(pipe, bytes("through"));
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    return expect(reader.stdout.text()).resolves.toBe("through");
  });

  test("replaces what a link names, not the link", () => {
    const [file, link] = [join(folder, "file"), join(folder, "link")];
    writeFile(file, bytes("one"));
    symlinkSync(file, link);
    writeFile(link, bytes("two"));
    expect([lstatSync(link).isSymbolicLink(), readFileSync(file, "utf8")]).toEqual([true, "two"]);
  });

  test("writes nothing through a link that waits beside the file", () => {
    const [file, other] = [join(folder, "new"), join(folder, "other")];
    symlinkSync(other, `${file}.new`);
    writeFile(file, bytes("secret"));
    expect([readFileSync(file, "utf8"), statSync(other, { throwIfNoEntry: false })]).toEqual(["secret", undefined]);
  });

  test("says what is wrong with a folder", () => {
    expect(() => writeFile(folder, bytes(""))).toThrow(`cannot write ${folder}: it is a directory (EISDIR)`);
  });
});
