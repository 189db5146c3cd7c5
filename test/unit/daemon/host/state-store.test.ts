import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReplaceFile } from "../../../../src/daemon/host/replace-file.ts";
import { StateDirectory } from "../../../../src/daemon/host/state-store.ts";
import { readStoredHistory, readStoredState } from "../../../../src/daemon/status/stored-state.ts";

/** A state directory on the disk, and what is said of it. */
class Folder implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "tandem-state-"));
  readonly problems: string[] = [];
  readonly mended: string[] = [];
  nowMs = 1_000;
  readonly #directories: StateDirectory[] = [];

  open(replace?: ReplaceFile, path = this.path): StateDirectory {
    const directory = new StateDirectory(
      path,
      {
        now: () => this.nowMs,
        onProblem: (problem) => this.problems.push(problem),
        onMended: (message) => this.mended.push(message),
      },
      { retryMs: 1, ...(replace === undefined ? {} : { replace }) },
    );
    this.#directories.push(directory);
    return directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#directories.map((directory) => directory.settled()));
    rmSync(this.path, { recursive: true, force: true });
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code });
}

describe("StateFile", () => {
  test("writes the newest of several values, in a directory that it makes, and reads it back", async () => {
    await using folder = new Folder();
    const deep = join(folder.path, "deep");
    const file = folder.open(undefined, deep).file("x.json");
    for (const term of [1, 2, 3]) file.write({ term });
    expect(await file.tried()).toBeUndefined();
    expect(readFileSync(file.path, "utf8")).toBe('{"term":3}\n');
    expect(lstatSync(file.path).mode & 0o777).toBe(0o600);
    expect(folder.open(undefined, deep).file("x.json").read()).toEqual({ term: 3 });
    expect([folder.problems, existsSync(`${file.path}.new`)]).toEqual([[], false]);
  });

  test("says what is wrong with a file, goes on without it, and keeps it beside the new one", async () => {
    await using folder = new Folder();
    const file = folder.open().file("x.json");
    expect([file.read(), folder.problems]).toEqual([undefined, []]);
    writeFileSync(file.path, '{"term":');
    expect(file.read()).toBeUndefined();
    expect(folder.problems).toEqual([expect.stringContaining(`${file.path} is left aside: `)]);
    file.write({ term: 1 });
    expect(await file.tried()).toBeUndefined();
    expect(readFileSync(`${file.path}.unusable`, "utf8")).toBe('{"term":');
    expect(readFileSync(file.path, "utf8")).toBe('{"term":1}\n');
  });

  test.each([
    ["a directory", "it is a directory", (path: string) => mkdirSync(path)],
    ["a pipe", "it is no regular file", (path: string) => Bun.spawnSync(["mkfifo", path])],
    ["a device that never ends", "it is no regular file", (path: string) => symlinkSync("/dev/zero", path)],
    ["a circle of links", "its symbolic links go in a circle (ELOOP)", (path: string) => symlinkSync(path, path)],
    [
      "300 MB",
      "it has 314572800 bytes; the limit is 16777216",
      (path: string) => {
        writeFileSync(path, "");
        truncateSync(path, 300 * 1024 * 1024);
      },
    ],
  ])("is not held up by %s in its place, and can be written all the same", async (_what, reason, make) => {
    await using folder = new Folder();
    const file = folder.open().file("x.json");
    make(file.path);
    expect(file.read()).toBeUndefined();
    expect(folder.problems).toEqual([`${file.path} is left aside: ${reason}`]);
    file.write({ term: 1 });
    expect(await file.tried()).toBeUndefined();
    expect(readFileSync(file.path, "utf8")).toBe('{"term":1}\n');
    expect(existsSync(`${file.path}.new`)).toBe(false);
  });

  test("is not held up by a pipe in the place of the file that it writes first", async () => {
    await using folder = new Folder();
    const file = folder.open().file("x.json");
    Bun.spawnSync(["mkfifo", `${file.path}.new`]);
    file.write({ term: 1 });
    expect(await file.tried()).toBeUndefined();
    expect(readFileSync(file.path, "utf8")).toBe('{"term":1}\n');
  });
});

describe("StateDirectory", () => {
  test("tries again what failed, says so once, and what is on the disk meanwhile", async () => {
    await using folder = new Folder();
    let code: string | undefined = "ENOSPC";
    let tries = 0;
    const directory = folder.open(async () => {
      tries += 1;
      if (code !== undefined) throw systemError(code);
    });
    const file = directory.file("x.json");
    file.write({ term: 1 });
    expect(await file.tried()).toBe("no space is left (ENOSPC)");
    folder.nowMs = 9_000;
    await until(() => tries > 5);
    const failure = { file: "x.json", reason: "no space is left (ENOSPC)", sinceMs: 1_000 };
    expect([directory.failures, file.saved, folder.problems.length]).toEqual([[failure], undefined, 1]);
    expect(folder.problems[0]).toContain(`cannot write ${file.path}: no space is left (ENOSPC)`);
    code = "EROFS";
    await until(() => folder.problems.length === 2);
    expect(folder.problems[1]).toContain("its file system is read-only (EROFS)");
    file.write({ term: 2 });
    code = undefined;
    await until(() => folder.mended.length === 1);
    expect([directory.failures, file.saved, folder.problems.length]).toEqual([[], { term: 2 }, 2]);
    expect(folder.mended).toEqual([`state is kept in ${folder.path} again`]);
  });

  test("one file that cannot be written does not keep the others from it", async () => {
    await using folder = new Folder();
    const directory = folder.open(async (path) => {
      if (path.endsWith("a.json")) throw systemError("EISDIR");
    });
    const [a, b] = [directory.file("a.json"), directory.file("b.json")];
    a.write(1);
    b.write(2);
    expect(await Promise.all([a.tried(), b.tried()])).toEqual(["it is a directory (EISDIR)", undefined]);
    expect([a.saved, b.saved]).toEqual([undefined, 2]);
  });

  test("a disk that does not answer keeps nobody waiting, and takes one thread", async () => {
    await using folder = new Folder();
    const hang = Promise.withResolvers<void>();
    let running = 0;
    const directory = folder.open(() => {
      running += 1;
      return hang.promise;
    });
    const [a, b] = [directory.file("a.json"), directory.file("b.json")];
    a.write(1);
    b.write(2);
    expect(await Promise.all([a.tried(1), b.tried(1)])).toEqual([
      "the disk does not answer",
      "the disk does not answer",
    ]);
    expect([running, directory.failures]).toEqual([1, []]);
    folder.nowMs += 3_000;
    expect(directory.failures).toEqual([{ file: "a.json", reason: "the disk does not answer", sinceMs: 1_000 }]);
    hang.resolve();
    await directory.settled();
    expect([a.saved, b.saved, directory.failures]).toEqual([1, 2, []]);
  });

  test("of a value that fails and a newer one that does not only the newer one counts", async () => {
    await using folder = new Folder();
    const first = Promise.withResolvers<void>();
    const directory = folder.open((_path, text) => (text === "1\n" ? first.promise : Promise.resolve()));
    const file = directory.file("a.json");
    file.write(1);
    file.write(2);
    const tried = file.tried();
    first.reject(systemError("EIO"));
    expect([await tried, file.saved]).toEqual([undefined, 2]);
  });
});

test.each([
  ["nothing", undefined, undefined, []],
  ["a list", [], undefined, ["needs an object"]],
  ["a negative term", { term: -1 }, undefined, ["term: needs a whole number from 0 to 2147483648"]],
  [
    "a MAC that is none",
    { term: 1, lastActiveTerm: 1, hold: false, peerMacs: [{ interface: "eth0", mac: "xx" }] },
    undefined,
    ['peerMacs.[0].mac: "xx" is not a MAC address'],
  ],
  [
    "what was written",
    { version: 1, term: 4, lastActiveTerm: 3, hold: true, peerMacs: [{ interface: "eth0", mac: "02:00:00:00:00:01" }] },
    { term: 4, lastActiveTerm: 3, hold: true, peerMacs: [{ interface: "eth0", mac: "02:00:00:00:00:01" }] },
    [],
  ],
] as const)("readStoredState() of %s", (_title, value, wanted, wantedProblems) => {
  const problems: string[] = [];
  const state = readStoredState(value, (problem) => problems.push(problem));
  expect(state as unknown).toEqual(wanted);
  expect(problems.length).toBe(wantedProblems.length);
  expect(problems.join()).toContain(wantedProblems.join());
});

test("readStoredHistory() of something else is empty", () => {
  const problems: string[] = [];
  expect(readStoredHistory({ transitions: "none" }, (problem) => problems.push(problem))).toEqual([]);
  expect(problems).toEqual(["transitions: needs a list"]);
});
