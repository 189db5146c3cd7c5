import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFile } from "../../../src/cli/write-file.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "tandem-write-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

describe("writeFile()", () => {
  test("replaces a file, keeps its mode, and leaves nothing beside it", () => {
    const file = join(FOLDER, "table");
    writeFile(file, bytes("one"));
    chmodSync(file, 0o640);
    writeFile(file, bytes("two"));
    expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777, readdirSync(FOLDER)]).toEqual([
      "two",
      0o640,
      ["table"],
    ]);
    rmSync(file);
  });

  // `service save /dev/null` as root put a plain file there.
  test("writes into what is no file, and never takes its place", () => {
    const pipe = join(FOLDER, "pipe");
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    const reader = Bun.spawn(["cat", pipe], { stdout: "pipe" });
    writeFile(pipe, bytes("through"));
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    rmSync(pipe);
    return expect(reader.stdout.text()).resolves.toBe("through");
  });

  test("replaces what a link names, not the link", () => {
    const [file, link] = [join(FOLDER, "file"), join(FOLDER, "link")];
    writeFile(file, bytes("one"));
    symlinkSync(file, link);
    writeFile(link, bytes("two"));
    expect([lstatSync(link).isSymbolicLink(), readFileSync(file, "utf8")]).toEqual([true, "two"]);
  });

  test("writes nothing through a link that waits beside the file", () => {
    const [file, other] = [join(FOLDER, "new"), join(FOLDER, "other")];
    symlinkSync(other, `${file}.new`);
    writeFile(file, bytes("secret"));
    expect([readFileSync(file, "utf8"), statSync(other, { throwIfNoEntry: false })]).toEqual(["secret", undefined]);
  });

  test("says what is wrong with a folder", () => {
    expect(() => writeFile(FOLDER, bytes(""))).toThrow(`cannot write ${FOLDER}: it is a directory (EISDIR)`);
  });
});
