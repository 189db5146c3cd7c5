import { describe, expect, test } from "bun:test";
import { SyncListing } from "../../../../src/daemon/sync/sync-listing.ts";
import { type SyncFacts, type SyncOrder, SyncPlan } from "../../../../src/daemon/sync/sync-plan.ts";

/** Keys that spread over the slices as a hash does (the golden ratio of 32 bits, Knuth's multiplicative hashing). */
function keys(count: number, from = 1): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => Math.imul(index + from, 0x9e37_79b1) >>> 0).sort();
}

/** A plan with the time and what it is told of the pair. */
class Trial {
  readonly plan = new SyncPlan(41);
  nowMs = 10_000;
  facts: SyncFacts = { tenureSinceMs: 0, standby: { sinceMs: 0, hasTable: true }, moveId: undefined };
  readonly orders: string[] = [];
  /** How long a reading takes. */
  elapsedMs = 20;

  /** Looks every 100 ms for so long; what is ordered is done at once, with these connections. */
  run(ms: number, wanted: Uint32Array): this {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 100) {
      const order = this.plan.next(this.facts, this.nowMs);
      if (order !== undefined) this.finish(order, wanted);
    }
    return this;
  }

  finish(order: SyncOrder, wanted: Uint32Array, failure?: string): void {
    this.orders.push(order.kind === "send" ? `send ${order.scope}` : order.kind);
    const sent = order.kind === "send" ? wanted.length : 0;
    const rest = { entries: wanted.length, sent, messages: 1, keys: wanted, elapsedMs: this.elapsedMs };
    this.plan.finished({ id: 1, ...rest, ...(failure === undefined ? {} : { failure }) }, this.nowMs);
  }

  /** The standby answers what is asked, slice by slice, until nothing is asked any more. @returns with how many. */
  answer(there: Uint32Array): number {
    const to = this.plan.asks(this.nowMs + 1_000);
    const listing = new SyncListing(to, there, 1);
    for (let count = 1; ; count += 1) {
      const word = listing.nextAnswer();
      if (word !== undefined && this.plan.hear(word, this.nowMs)) return count;
      if (count > 100_000) throw new Error("it never has enough");
    }
  }
}

describe("SyncPlan", () => {
  test("sends everything when the standby joins, and asks a moment later what of it is there", () => {
    const trial = new Trial().run(400, keys(50));
    expect([trial.orders, trial.plan.asks(trial.nowMs)]).toEqual([[], 0]);
    trial.run(200, keys(50));
    expect([trial.orders, trial.plan.asks(trial.nowMs - 100), trial.plan.asks(trial.nowMs)]).toEqual([
      ["send all"],
      0,
      42,
    ]);
    trial.answer(keys(50));
    expect(trial.plan.view.warmth).toEqual({ wanted: 50, present: 50, fullSync: true });
  });

  // After ten seconds it was still said that none was open for long enough.
  test("counts the first connections of a quiet site within three seconds", () => {
    const trial = new Trial().run(600, keys(0));
    expect([trial.orders, trial.plan.view.warmth]).toEqual([["send all"], { wanted: 0, present: 0, fullSync: true }]);
    // The first look at a connection does not count it.
    trial.run(1_100, keys(0)).run(1_000, keys(50));
    expect(trial.orders).toEqual(["send all", "count", "count"]);
    trial.answer(keys(50));
    expect(trial.plan.view.warmth).toEqual({ wanted: 50, present: 50, fullSync: true });
    // A table that takes long to read is read no more often for that.
    trial.elapsedMs = 1_000;
    trial.run(5_100, keys(0)).run(19_000, keys(0));
    expect(trial.orders).toEqual(["send all", "count", "count", "count"]);
  });

  test("looks at its own table again before it believes that connections are missing", () => {
    const trial = new Trial().run(600, keys(50));
    trial.answer(keys(20));
    expect(trial.plan.view.warmth.present).toBe(0);
    trial.run(100, keys(50));
    expect([trial.orders, trial.plan.view.warmth]).toEqual([
      ["send all", "count"],
      { wanted: 50, present: 20, fullSync: true },
    ]);
  });

  test("connections that have ended meanwhile hold up no planned move, as those of a site with short ones", () => {
    const trial = new Trial().run(600, keys(50));
    trial.answer(keys(50));
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(100, keys(50));
    trial.answer(keys(5));
    trial.run(200, keys(5));
    expect([trial.orders, trial.plan.view]).toEqual([
      ["send all", "send all", "count", "send new"],
      { warmth: { wanted: 50, present: 50, fullSync: true }, toldFor: 7 },
    ]);
  });

  test("what was found missing before a planned move does not hold it up", () => {
    const trial = new Trial().run(600, keys(50));
    trial.answer(keys(5));
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(100, keys(50));
    expect(trial.orders).toEqual(["send all", "send all"]);
  });

  test("waits for the standby's table, and begins anew when the standby was away", () => {
    const trial = new Trial();
    trial.facts = { ...trial.facts, standby: { sinceMs: 0, hasTable: false } };
    trial.run(5_000, keys(50));
    expect(trial.orders).toEqual([]);
    trial.facts = { ...trial.facts, standby: { sinceMs: 0, hasTable: true } };
    trial.run(1_000, keys(50)).answer(keys(50));
    trial.facts = { ...trial.facts, standby: { sinceMs: 9, hasTable: true } };
    trial.run(100, keys(50));
    expect(trial.plan.view.warmth).toEqual({ wanted: 50, present: 0, fullSync: false });
    trial.run(1_000, keys(50));
    expect(trial.orders).toEqual(["send all", "send all"]);
  });

  test("looks every five seconds at a standby that is warm, and less often where that takes long", () => {
    const quick = new Trial().run(1_000, keys(50));
    for (let round = 0; round < 3; round += 1) {
      quick.answer(keys(50));
      quick.run(5_100, keys(50));
    }
    expect(quick.orders).toEqual(["send all", "count", "count", "count"]);
    const slow = new Trial();
    slow.elapsedMs = 2_000;
    slow.run(1_000, keys(50)).answer(keys(50));
    slow.run(39_000, keys(50));
    expect(slow.orders).toEqual(["send all"]);
    slow.run(1_500, keys(50));
    expect(slow.orders).toEqual(["send all", "count"]);
  });

  test("sends everything again to a standby that lacks some, ever less often", () => {
    const trial = new Trial().run(600, keys(50));
    const atMs: number[] = [];
    const sent = () => trial.orders.filter((order) => order === "send all").length;
    for (let round = 0; round < 5; round += 1) {
      const [beganMs, before] = [trial.nowMs, sent()];
      while (sent() === before) {
        if (trial.plan.asks(trial.nowMs + 1_000) !== 0) trial.answer(keys(20));
        trial.run(100, keys(50));
      }
      atMs.push(trial.nowMs - beganMs);
    }
    expect(atMs.every((ms, index) => index === 0 || ms > (atMs[index - 1] ?? 0))).toBe(true);
  });

  test("before a planned move it sends everything, asks, and sends what is new", () => {
    const trial = new Trial().run(600, keys(50));
    trial.answer(keys(50));
    trial.run(1_000, keys(50));
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(300, keys(60));
    const asked = trial.plan.view.toldFor;
    trial.answer(keys(60));
    trial.run(100, keys(61));
    expect([trial.orders, asked, trial.plan.view]).toEqual([
      ["send all", "send all", "send new"],
      undefined,
      { warmth: { wanted: 60, present: 60, fullSync: true }, toldFor: 7 },
    ]);
  });

  test("does not read a very large table once more before the move", () => {
    const trial = new Trial();
    trial.elapsedMs = 2_500;
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(100, keys(50)).answer(keys(50));
    trial.run(100, keys(50));
    expect([trial.orders, trial.plan.view.toldFor]).toEqual([["send all"], 7]);
  });

  test("a question of before a planned move does not hold it up", () => {
    const trial = new Trial().run(600, keys(50));
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(100, keys(50));
    expect(trial.orders).toEqual(["send all", "send all"]);
  });

  test("a planned move goes on waiting while the standby lacks connections", () => {
    const trial = new Trial().run(600, keys(50));
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(100, keys(50));
    for (let round = 0; round < 3; round += 1) {
      trial.answer(keys(40));
      trial.run(1_500, keys(50));
    }
    expect([trial.orders.length >= 4, trial.orders.includes("send new"), trial.plan.view.toldFor]).toEqual([
      true,
      false,
      undefined,
    ]);
  });

  test("has nothing to ask where no connection is established", () => {
    const trial = new Trial().run(600, keys(0));
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(300, keys(0));
    expect([trial.orders, trial.plan.asks(trial.nowMs), trial.plan.view.toldFor]).toEqual([
      ["send all", "send all", "send new"],
      0,
      7,
    ]);
  });

  test("a standby that does not answer has to do with what it was sent", () => {
    const trial = new Trial().run(600, keys(50));
    trial.facts = { ...trial.facts, moveId: 7 };
    trial.run(4_900, keys(50));
    expect(trial.plan.view.toldFor).toBeUndefined();
    trial.run(1_000, keys(50));
    expect([trial.orders, trial.plan.view]).toEqual([
      ["send all", "send all", "send new"],
      { warmth: { wanted: 50, present: 0, fullSync: true }, toldFor: 7 },
    ]);
  });

  test("what failed is told, and tried again", () => {
    const trial = new Trial();
    trial.run(500, keys(50));
    const order = trial.plan.next(trial.facts, trial.nowMs);
    trial.finish(order ?? { kind: "count" }, keys(0), "there is no interface eth1");
    expect([trial.plan.failure, trial.plan.view.warmth.fullSync]).toEqual(["there is no interface eth1", false]);
    trial.run(2_100, keys(50));
    expect([trial.orders, trial.plan.failure]).toEqual([["send all", "send all"], undefined]);
  });

  test("what fails is not tried again at once, also while a planned move waits", () => {
    const trial = new Trial();
    trial.facts = { ...trial.facts, moveId: 7 };
    const triedAtMs: number[] = [];
    for (const endMs = trial.nowMs + 3_050; trial.nowMs < endMs; trial.nowMs += 50) {
      const order = trial.plan.next(trial.facts, trial.nowMs);
      if (order === undefined) continue;
      triedAtMs.push(trial.nowMs - 10_000);
      trial.finish(order, keys(0), "no route");
    }
    expect(triedAtMs).toEqual([0, 1_000, 2_000, 3_000]);
  });

  test("a word that answers another question is not heard", () => {
    const trial = new Trial().run(600, keys(50));
    expect(trial.plan.hear({ to: 41, entries: 50, bits: 0, slice: 0, keys: [...keys(50)] }, trial.nowMs)).toBe(false);
    expect(trial.plan.view.warmth.present).toBe(0);
  });

  test("is content with a part of the table where the standby has far more connections", () => {
    const trial = new Trial().run(600, keys(50));
    expect(trial.answer(keys(100_000))).toBeLessThanOrEqual(40);
    expect(trial.plan.view.warmth).toEqual({ wanted: 50, present: 50, fullSync: true });
  });

  test.each([
    [100_000, 100_000, 100_000],
    [100_000, 98_000, 98_000],
    [2_000, 1_000, 1_000],
  ])("of %d connections of which %d are there it finds about %d, in a few answers", (wanted, there, expected) => {
    const trial = new Trial().run(600, keys(wanted));
    const answers = trial.answer(keys(there));
    trial.run(100, keys(wanted));
    const { present } = trial.plan.view.warmth;
    expect(answers).toBeLessThan(20);
    // Five standard deviations of a sample of 400.
    const share = there / wanted;
    expect(Math.abs(present - expected)).toBeLessThanOrEqual(5 * wanted * Math.sqrt((share * (1 - share)) / 400));
  });
});

describe("SyncListing", () => {
  test("tells every key once around, as many to a packet as it has room for", () => {
    for (const [count, vipCount] of [
      [0, 1],
      [1, 1],
      [500, 1],
      [500, 40],
    ] as const) {
      const all = keys(count);
      const listing = new SyncListing(9, all, vipCount);
      const told: number[] = [];
      let slices = 1;
      for (let index = 0; index < slices; index += 1) {
        const answer = listing.nextAnswer();
        slices = 2 ** (answer?.bits ?? 0);
        expect(answer?.keys.length ?? 0).toBeLessThanOrEqual(vipCount > 16 ? 24 : 96);
        expect([answer?.to, answer?.entries, answer?.slice]).toEqual([9, count, index]);
        told.push(...(answer?.keys ?? []));
      }
      expect(told).toEqual([...all]);
      expect(listing.nextAnswer()?.slice).toBe(0);
    }
  });
});
