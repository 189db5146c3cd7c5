import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeptState } from "../../../../src/daemon/status/kept-state.ts";
import type { State } from "../../../../src/failover/machine/state.ts";
import { Logger } from "../../../../src/log/logger.ts";

const STORED = { version: 1, term: 4, lastActiveTerm: 4, hold: false, peerMacs: [] };

/** A state directory that can be taken away and given back. */
class Disk implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-kept-"));
  readonly path = join(this.#folder, "state");
  readonly lines: string[] = [];

  kept(): KeptState {
    const sink = { write: (line: string) => void this.lines.push(line.slice(25)) };
    return new KeptState(
      this.path,
      new Logger(sink, { format: "text", level: "info", now: () => new Date(0) }),
      () => 0,
    );
  }

  /** A file stands where the directory should be. */
  spoil(): void {
    rmSync(this.path, { recursive: true, force: true });
    writeFileSync(this.path, "");
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function state(abstaining: boolean): () => State {
  return () => ({ abstaining }) as State;
}

describe("KeptState.unsaved()", () => {
  test("an order that is on the disk needs no word", async () => {
    using disk = new Disk();
    const kept = disk.kept();
    kept.shared.write({ version: 1, entries: [] });
    kept.failover.write({ ...STORED, abstaining: true });
    expect(await kept.unsaved("shared", state(false))).toBeUndefined();
    expect(await kept.unsaved("release", state(true))).toBeUndefined();
    expect(disk.kept().read()).toEqual({
      stored: { term: 4, lastActiveTerm: 4, hold: false, abstaining: true, peerMacs: [] },
      shared: [],
    });
  });

  test("an order that is not on it is lost at a restart", async () => {
    using disk = new Disk();
    disk.spoil();
    const kept = disk.kept();
    kept.shared.write({ version: 1, entries: [] });
    kept.failover.write({ ...STORED, abstaining: true });
    expect(await kept.unsaved("shared", state(false))).toMatchObject({
      reason: expect.any(String),
      text: expect.stringMatching(/^but it could not be saved: .*; it is lost at a restart, unless the other router/),
    });
    expect(await kept.unsaved("release", state(true))).toMatchObject({
      text: expect.stringMatching(/^but it could not be saved: .*; it is lost at a restart$/),
    });
    await kept.directory.settled();
  });

  test("a release whose end is not on the disk comes back; a term that is not was ordered by nobody", async () => {
    using disk = new Disk();
    mkdirSync(disk.path);
    writeFileSync(join(disk.path, "failover.json"), JSON.stringify({ ...STORED, abstaining: true }));
    const kept = disk.kept();
    kept.read();
    disk.spoil();
    kept.failover.write({ ...STORED, term: 5 });
    expect(await kept.unsaved("release", state(false))).toMatchObject({
      text: expect.stringMatching(
        /^but the end of the release could not be saved: .*; after a restart it is released again$/,
      ),
    });
    expect(await kept.unsaved("release", state(true))).toBeUndefined();
    await kept.directory.settled();
  });

  test("files that say what cannot be are left aside by name", () => {
    using disk = new Disk();
    mkdirSync(disk.path);
    writeFileSync(join(disk.path, "failover.json"), JSON.stringify({ ...STORED, term: -1 }));
    writeFileSync(join(disk.path, "shared.json"), "[]");
    expect(disk.kept().read()).toEqual({});
    expect(disk.lines).toEqual([
      `warn  state: ${disk.path}/failover.json is left aside: term: needs a whole number from 0 to 2147483648`,
      `warn  state: ${disk.path}/shared.json is left aside: needs an object`,
    ]);
  });
});

test("a record of the configuration in force that is of no use is in the log, with what is done instead", () => {
  using disk = new Disk();
  mkdirSync(disk.path);
  writeFileSync(join(disk.path, "applied.json"), '{"version":1,"path":"/etc/tan');
  disk.kept().read();
  expect(disk.lines).toEqual([
    expect.stringMatching(
      /^warn {2}state: .*applied\.json is left aside: .*JSON.*; .* has the configuration's file alone/,
    ),
  ]);
});
