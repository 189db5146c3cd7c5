import { describe, expect, test } from "bun:test";
import {
  IpvsPresence,
  LOAD_PAUSE_FIRST_MS,
  LOAD_PAUSE_LAST_MS,
} from "../../../../src/daemon/settings/ipvs-presence.ts";

const MISSING = "`/sbin/modprobe -q -- ip_vs` ended with exit code 1";

/** A kernel with or without IPVS, a clock, and all that was told. */
class Machine {
  nowMs = 1_000;
  hasTrace = false;
  isThere = false;
  readonly told: (readonly [available: boolean, reason: string | undefined])[] = [];
  readonly #loads: PromiseWithResolvers<string | undefined>[] = [];
  readonly presence = new IpvsPresence({
    now: () => this.nowMs,
    onChange: (available, reason) => this.told.push([available, reason]),
    kernel: {
      hasTrace: () => this.hasTrace,
      isThere: () => this.isThere,
      load: () => {
        const load = Promise.withResolvers<string | undefined>();
        this.#loads.push(load);
        return load.promise;
      },
    },
  });

  get loads(): number {
    return this.#loads.length;
  }

  setModule(isLoaded: boolean): void {
    this.hasTrace = isLoaded;
    this.isThere = isLoaded;
  }

  /** The attempt that was begun last ends. */
  async endLoad(reason: string | undefined): Promise<void> {
    this.#loads.at(-1)?.resolve(reason);
    await this.#loads.at(-1)?.promise;
  }

  /** Some seconds pass, in each of which is looked. */
  pass(ms: number): void {
    for (let end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs = Math.min(end, this.nowMs + 1_000);
      this.presence.watch();
    }
  }
}

describe("IpvsPresence", () => {
  test("tells nothing and loads nothing while nobody needs IPVS", () => {
    const machine = new Machine();
    machine.pass(120_000);
    expect([machine.told, machine.loads, machine.presence.available, machine.presence.reason]).toEqual([
      [],
      0,
      false,
      undefined,
    ]);
  });

  test("tells at once that it is there, and starts nothing", () => {
    const machine = new Machine();
    machine.setModule(true);
    machine.presence.need(true);
    machine.pass(120_000);
    expect([machine.told, machine.loads]).toEqual([[[true, undefined]], 0]);
    expect(machine.presence.available).toBe(true);
  });

  test("loads it where it is not there, and tells both", async () => {
    const machine = new Machine();
    machine.presence.need(true);
    expect([machine.told, machine.loads]).toEqual([[[false, "it is not loaded yet"]], 1]);
    machine.setModule(true);
    await machine.endLoad(undefined);
    machine.pass(120_000);
    expect([machine.told.slice(1), machine.loads]).toEqual([[[true, undefined]], 1]);
  });

  test("tries again after ever longer pauses up to the last, and tells a reason once", async () => {
    const machine = new Machine();
    machine.presence.need(true);
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      await machine.endLoad(MISSING);
      const endedMs = machine.nowMs;
      while (machine.loads === attempt) machine.pass(1_000);
      pauses.push(machine.nowMs - endedMs);
    }
    expect(pauses).toEqual([LOAD_PAUSE_FIRST_MS, 20_000, 40_000, LOAD_PAUSE_LAST_MS, 60_000, 60_000]);
    expect(machine.told).toEqual([
      [false, "it is not loaded yet"],
      [false, MISSING],
    ]);
    expect(machine.presence.reason).toBe(MISSING);
  });

  test("has one attempt at a time, however long it takes", () => {
    const machine = new Machine();
    machine.presence.need(true);
    machine.pass(600_000);
    expect(machine.loads).toBe(1);
  });

  test("looks at once when somebody else has loaded it, once for each appearance", async () => {
    const machine = new Machine();
    machine.presence.need(true);
    await machine.endLoad(MISSING);
    machine.setModule(true);
    machine.pass(1_000);
    expect(machine.loads).toBe(2);
    // The sign is there a moment before IPVS can be used.
    await machine.endLoad("not yet");
    machine.pass(5_000);
    expect(machine.loads).toBe(2);
    machine.pass(15_000);
    expect(machine.loads).toBe(3);
    await machine.endLoad(undefined);
    expect(machine.told.at(-1)).toEqual([true, undefined]);
  });

  test("notices that somebody has unloaded it, and loads it again at once", async () => {
    const machine = new Machine();
    machine.setModule(true);
    machine.presence.need(true);
    machine.setModule(false);
    machine.pass(1_000);
    expect([machine.told.at(-1), machine.loads, machine.presence.available]).toEqual([
      [false, "somebody has unloaded it"],
      1,
      false,
    ]);
    machine.setModule(true);
    await machine.endLoad(undefined);
    expect(machine.told.at(-1)).toEqual([true, undefined]);
  });

  test("while heartbeats are sent, a sign counts and is looked into aside", async () => {
    const machine = new Machine();
    machine.hasTrace = true;
    machine.presence.need(false);
    expect([machine.told, machine.loads]).toEqual([[[true, undefined]], 1]);
    await machine.endLoad("not permitted");
    expect(machine.told.at(-1)).toEqual([false, "not permitted"]);
  });

  test("a sign that does not hold at the start is no IPVS", () => {
    const machine = new Machine();
    machine.hasTrace = true;
    machine.presence.need(true);
    expect([machine.told, machine.loads]).toEqual([[[false, "it is not loaded yet"]], 1]);
  });

  test("says nothing of an attempt whose end comes when nobody needs it any more, and tells all anew when somebody does", async () => {
    const machine = new Machine();
    machine.presence.need(true);
    machine.presence.release();
    await machine.endLoad(MISSING);
    expect(machine.told).toEqual([[false, "it is not loaded yet"]]);
    expect([machine.presence.available, machine.presence.reason]).toEqual([false, undefined]);
    machine.setModule(true);
    machine.presence.need(true);
    expect(machine.told.slice(1)).toEqual([[true, undefined]]);
  });
});
