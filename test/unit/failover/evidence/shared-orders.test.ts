import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isHeld, restoreShared } from "../../../../src/failover/evidence/shared-orders.ts";
import { isTakenBack, orderText, type SharedEntry, sharedKey } from "../../../../src/model/shared-entry.ts";
import { serverSubject } from "../../../simulation/router-host.ts";
import { TestRouter } from "../../../support/failover.ts";
import { sharedEntry } from "../../../support/heartbeats.ts";

const DRAIN = { kind: "drain" } as const;
const EMPTY = restoreShared([]);

/** What the next heartbeats carry. */
function told(router: TestRouter): readonly string[] {
  const shared = router.last("send-heartbeat")?.heartbeat.payload.shared;
  return (shared?.entries ?? []).map((entry) => `${sharedKey(entry)}: ${orderText(entry)} (${entry.revision})`);
}

function entry(server: string, revision: number, order: "drain" | "none" = "drain"): SharedEntry {
  return { ...serverSubject(server, { kind: order }), revision, by: "backup" };
}

describe("an operator's order", () => {
  test("goes out at once, is kept on disk, and is told until the peer has it", () => {
    const router = new TestRouter().boot().meet({ shared: { digest: EMPTY.digest, entries: [] } });
    router.effects = [];
    router.feed({ kind: "ordered", subjects: [serverSubject("10.0.0.11:80", DRAIN)] });
    expect(told(router)).toEqual(["tcp://203.0.113.10:80 10.0.0.11:80: drain (1)"]);
    expect(router.last("persist-shared")?.entries.map(orderText)).toEqual(["drain"]);
    const { digest } = router.state.shared;
    router.effects = [];
    router.hearFor(400, { shared: { digest, entries: [] } });
    expect(told(router)).toEqual([]);
  });

  test("of the peer is taken over, kept, and followed by the balancer; the same word again changes nothing", () => {
    const router = new TestRouter().boot().meet();
    const shared = { digest: "00000000000000ff", entries: [entry("10.0.0.11:80", 4)] };
    router.effects = [];
    router.hear({ shared });
    expect(router.last("orders")?.orders.map(sharedKey)).toEqual(["tcp://203.0.113.10:80 10.0.0.11:80"]);
    router.effects = [];
    router.hear({ shared });
    expect([router.all("orders"), router.all("persist-shared")]).toEqual([[], []]);
  });

  test("that was taken back is not brought back by an older word", () => {
    const router = new TestRouter().boot().meet();
    router.hear({ shared: { digest: "00000000000000ff", entries: [entry("10.0.0.11:80", 5, "none")] } });
    router.hear({ shared: { digest: "00000000000000fe", entries: [entry("10.0.0.11:80", 4)] } });
    expect(router.last("orders")?.orders).toEqual([]);
  });

  test("is told to the balancer of a restarted daemon", () => {
    const shared = [entry("10.0.0.12:80", 2), entry("10.0.0.11:80", 1, "none")];
    const router = new TestRouter({ shared }).boot();
    expect(router.all("orders").map(({ orders }) => orders.map(sharedKey))).toEqual([
      ["tcp://203.0.113.10:80 10.0.0.12:80"],
    ]);
  });

  test("for a server itself stands beside a drain of the same one, and goes to the balancer with it", () => {
    const router = new TestRouter().boot().meet({ shared: { digest: EMPTY.digest, entries: [] } });
    const drained = serverSubject("10.0.0.11:80", DRAIN);
    if (drained.kind !== "server") throw new Error("it is for a server");
    const { service, server } = drained;
    router.feed({
      kind: "ordered",
      subjects: [drained, { kind: "kept", service, server, change: { kind: "absent" } }],
    });
    expect(told(router)).toEqual([
      "kept tcp://203.0.113.10:80 10.0.0.11:80: removed (1)",
      "tcp://203.0.113.10:80 10.0.0.11:80: drain (1)",
    ]);
    const back = { kind: "kept", service, server, change: { kind: "none" }, revision: 2, by: "backup" } as const;
    router.hear({ shared: { digest: "00000000000000ff", entries: [back] } });
    expect(router.last("orders")?.orders.map(sharedKey)).toEqual(["tcp://203.0.113.10:80 10.0.0.11:80"]);
  });

  test("with a revision that cannot be is ignored", () => {
    const router = new TestRouter().boot().meet();
    router.hear({ shared: { digest: "00000000000000ff", entries: [entry("10.0.0.11:80", 0xffff_ffff)] } });
    expect(router.state.shared.entries.size).toBe(0);
  });

  test("of ten thousand all reach the peer, some with each heartbeat, the newest first", () => {
    const router = new TestRouter().boot().meet({ shared: { digest: EMPTY.digest, entries: [] } });
    const server = (index: number) => `10.1.${index >> 8}.${index & 255}:80`;
    const subjects = Array.from({ length: 1_000 }, (_, index) => serverSubject(server(index), DRAIN));
    router.feed({ kind: "ordered", subjects });
    router.effects = [];
    router.feed({ kind: "ordered", subjects: [serverSubject("10.0.0.11:80", DRAIN)] });
    const heard = new Set(told(router));
    expect([...heard][0]).toBe("tcp://203.0.113.10:80 10.0.0.11:80: drain (2)");
    for (let round = 0; round < 1_000 && heard.size < 1_001; round += 1) {
      router.hear({ shared: { digest: EMPTY.digest, entries: [] } });
      router.advance(200);
      for (const text of told(router)) heard.add(text);
    }
    expect(heard.size).toBe(1_001);
  });
});

describe("a hold", () => {
  test("set here is held at a peer that hears of it, and ended there it ends here", () => {
    const router = new TestRouter().boot().meet();
    router.feed({ kind: "operator", id: 1, command: { kind: "hold" } });
    expect([router.state.hold, isHeld(router.state.shared)]).toEqual([true, true]);
    router.hear({
      shared: { digest: "0".repeat(16), entries: [{ kind: "hold", held: false, revision: 2, by: "backup" }] },
    });
    expect(router.state.hold).toBe(false);
  });

  test("lasts over a restart", () => {
    const shared = [{ kind: "hold", held: true, revision: 7, by: "backup" }] as const;
    expect(new TestRouter({ shared }).state.hold).toBe(true);
  });
});

test("two routers that hear each other's entries in any order end with the same", () => {
  fc.assert(
    fc.property(fc.array(sharedEntry, { maxLength: 8 }), fc.nat(), (drawn, seed) => {
      // One router gives a revision to one word only.
      const words = new Map(drawn.map((one) => [`${sharedKey(one)} ${one.revision % 5} ${one.by}`, one]));
      const entries = [...words.values()].map((one) => ({ ...one, revision: one.revision % 5 }));
      const shuffled = entries.toSorted((a, b) => ((a.revision * 7 + seed) % 11) - ((b.revision * 7 + seed) % 11));
      const end = (order: readonly SharedEntry[]) => {
        const router = new TestRouter().boot().meet();
        for (const one of order) router.hear({ shared: { digest: "00000000000000ff", entries: [one] } });
        return router.state.shared;
      };
      const [first, second] = [end(entries), end(shuffled)];
      expect(second.digest).toBe(first.digest);
      expect(second.newestFirst.filter((one) => !isTakenBack(one))).toEqual(
        first.newestFirst.filter((one) => !isTakenBack(one)),
      );
    }),
    { numRuns: 100 },
  );
});
