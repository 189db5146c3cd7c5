import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { ConnectionSync } from "../../../../src/daemon/sync/connection-sync.ts";
import type { SyncAnswer, SyncWork } from "../../../../src/daemon/sync/sync-thread-protocol.ts";
import { createState } from "../../../../src/failover/failover.ts";
import type { Input } from "../../../../src/failover/machine/failover-input.ts";
import type { TransitionReason } from "../../../../src/failover/machine/history.ts";
import type { State } from "../../../../src/failover/machine/state.ts";
import { Logger } from "../../../../src/log/logger.ts";
import type { HeartbeatPayload } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { PEER_SAYS, SETTINGS } from "../../../support/failover.ts";
import { BASE } from "../../config/base.ts";

const TARGET = { interface: "eth1", group: "224.0.0.81", port: 8848, ttl: 1, syncId: 1 };
const parsed = parseConfig(BASE);
if (!parsed.ok) throw new Error("the base file is not valid");
const CONFIG = parsed.config;

/** The part under test with a thread that does what the test says, and a machine whose state the test gives. */
class Bench {
  nowMs = 100_000;
  readonly works: SyncWork[] = [];
  readonly fed: Input[] = [];
  state: State = createState({ settings: SETTINGS, seed: "ab".repeat(32), nowMs: 0 });
  readonly #waiting: ((answer: SyncAnswer) => void)[] = [];
  readonly sync: ConnectionSync;

  constructor() {
    const waiting = this.#waiting;
    this.sync = new ConnectionSync({
      config: CONFIG,
      target: TARGET,
      thread: {
        get isBusy() {
          return waiting.length > 0;
        },
        request: (work, _services, done) => {
          this.works.push(work);
          waiting.push(done);
        },
        close: () => {},
      },
      firstNumber: 7,
      logger: new Logger({ write: () => {} }, { format: "text", level: "error", now: () => new Date(0) }),
      now: () => this.nowMs,
      state: () => this.state,
      feed: (input) => void this.fed.push(input),
    });
  }

  be(role: "active" | "standby", says: Partial<HeartbeatPayload>, reason?: TransitionReason): void {
    const sinceMs = this.nowMs;
    const phase =
      role === "active" ? ({ kind: role, sinceMs, reason: "peer-silent" } as const) : { kind: role, sinceMs };
    const carrierSinceMs = { public: 0, private: 0 };
    const peer = { heardAtMs: this.nowMs, sinceMs: 0, carrierSinceMs, says: { ...PEER_SAYS, ...says } };
    const left = { atMs: sinceMs, from: "active", to: "standby", term: 1, causes: [] } as const;
    const history = reason === undefined ? this.state.history : [{ ...left, reason }];
    this.state = { ...this.state, phase, peer, history };
  }

  look(ms = 100): void {
    this.nowMs += ms;
    if (this.state.peer !== undefined)
      this.state = { ...this.state, peer: { ...this.state.peer, heardAtMs: this.nowMs } };
    this.sync.look();
  }

  finish(keys: readonly number[]): void {
    const counts = { entries: keys.length, sent: 0, messages: 0, elapsedMs: 10 };
    this.#waiting.shift()?.({ id: 1, keys: Uint32Array.from(keys), ...counts });
  }

  kinds(): string[] {
    return this.works.map((work) => (work.kind === "send" ? `send ${work.scope}` : work.kind));
  }
}

describe("ConnectionSync", () => {
  test("a standby answers each question with a reading of its own, on both paths in turn", () => {
    const bench = new Bench();
    bench.be("standby", { role: "active", sync: { asks: 5 } });
    bench.look();
    bench.look();
    expect([bench.kinds(), bench.sync.word("public")]).toEqual([["list"], undefined]);
    bench.finish([1, 2, 3]);
    const answer = { to: 5, entries: 3, bits: 0, slice: 0, keys: [1, 2, 3] };
    expect([bench.sync.word("public"), bench.sync.word("public"), bench.sync.word("private")]).toEqual([
      { asks: 0, answer },
      undefined,
      { asks: 0, answer },
    ]);
    bench.look();
    expect(bench.sync.word("public")).toEqual({ asks: 0, answer });
    bench.be("standby", { role: "active", sync: { asks: 6 } });
    expect(bench.sync.word("private")).toBeUndefined();
    bench.look();
    expect(bench.kinds()).toEqual(["list", "list"]);
  });

  test("an active tells the machine that its standby is cold, sends, asks, and tells what it hears", () => {
    const bench = new Bench();
    bench.be("active", {});
    bench.look();
    expect(bench.fed).toEqual([{ kind: "warmth", warmth: { wanted: 0, present: 0, fullSync: false } }]);
    bench.look(600);
    expect([bench.works, bench.sync.word("public")]).toEqual([
      [{ kind: "send", scope: "all", target: TARGET }],
      undefined,
    ]);
    bench.finish([10, 20]);
    bench.look();
    expect(bench.sync.word("public")).toEqual({ asks: 8 });
    const answer = { to: 8, entries: 1, bits: 0, slice: 0, keys: [10] };
    bench.sync.hear(answer);
    expect(bench.kinds().at(-1)).toBe("count");
    bench.finish([10, 20]);
    expect(bench.fed.at(-1)).toEqual({ kind: "warmth", warmth: { wanted: 2, present: 1, fullSync: true } });
    expect(bench.sync.status()).toMatchObject({ wanted: 2, present: 1, working: false, failure: null });
  });

  test.each<[TransitionReason, string[]]>([
    ["handed-over", ["send new"]],
    ["stopped", ["send new"]],
    ["lease-lost", []],
    ["higher-term", []],
  ])("a router that lost the role by %s orders %j", (reason, orders) => {
    const bench = new Bench();
    bench.be("active", { role: "active" });
    bench.look();
    bench.be("standby", { role: "active" }, reason);
    bench.look();
    bench.finish([]);
    bench.look();
    expect(bench.kinds()).toEqual(orders);
  });

  test("settle() waits for what is under way, and begins nothing after it", () => {
    const bench = new Bench();
    const settled: string[] = [];
    bench.sync.settle(() => settled.push("idle"));
    bench.be("standby", { role: "active", sync: { asks: 5 } });
    bench.look();
    bench.sync.settle(() => settled.push("done"));
    expect(settled).toEqual(["idle"]);
    bench.finish([1]);
    expect(settled).toEqual(["idle", "done"]);
  });
});
