import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeStateDir, StateFile } from "../../../src/daemon/state-store.ts";
import { readStoredHistory, readStoredState } from "../../../src/daemon/stored-state.ts";

async function settled(path: string, wanted: string): Promise<string> {
  // Writes are on their way in the thread pool; turn the event loop until the last one is there.
  for (let turn = 0; turn < 10_000; turn += 1) {
    try {
      if (readFileSync(path, "utf8") === wanted) return wanted;
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return readFileSync(path, "utf8");
}

test("StateFile writes the newest of several values and reads it back", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tandem-state-"));
  const problems: string[] = [];
  const file = new StateFile(join(directory, "deep"), "x.json", (problem) => problems.push(problem));
  for (const term of [1, 2, 3]) file.write({ term });
  expect(await settled(file.path, '{"term":3}\n')).toBe('{"term":3}\n');
  expect(file.read((problem) => problems.push(problem))).toEqual({ term: 3 });
  rmSync(directory, { recursive: true });
  expect(problems).toEqual([]);
});

test("StateFile says what is wrong with a file and goes on without it", () => {
  const directory = mkdtempSync(join(tmpdir(), "tandem-state-"));
  const problems: string[] = [];
  const file = new StateFile(directory, "x.json", () => {});
  expect(file.read((problem) => problems.push(problem))).toBeUndefined();
  expect(problems).toEqual([]);
  writeFileSync(file.path, '{"term":');
  expect(file.read((problem) => problems.push(problem))).toBeUndefined();
  rmSync(directory, { recursive: true });
  expect(problems).toEqual([expect.stringContaining("is not readable and is left aside")]);
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

// It was told as a defect of tandem.
test("makeStateDir() says what it could not make, and what for", () => {
  expect(() => makeStateDir("/dev/null")).toThrow(/^cannot make the state directory \/dev\/null: EEXIST/);
});
