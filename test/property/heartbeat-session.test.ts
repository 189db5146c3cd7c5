import { expect, test } from "bun:test";
import fc from "fast-check";
import { otherRouter, type PathName, type RouterId } from "../../src/model/pair.ts";
import { DEAD_AFTER_MS, exchange, pairOfEnds, type Sent } from "../support/session-end.ts";

/** What the routers, the network and somebody who records and injects packets may do. */
type Act =
  | { readonly kind: "send"; readonly router: RouterId; readonly path: PathName; readonly arrives: boolean }
  | { readonly kind: "inject"; readonly to: RouterId; readonly path: PathName; readonly which: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "restart"; readonly router: RouterId };

const router = fc.constantFrom<RouterId[]>("primary", "backup");
const path = fc.constantFrom<PathName[]>("public", "private");
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("send" as const), router, path, arrives: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("inject" as const), to: router, path, which: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat({ max: 700 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), router }) },
);

/** Plays the acts and returns what must never be: a packet that counted although it should not have. */
function play(acts: readonly Act[]): readonly string[] {
  const ends = pairOfEnds();
  exchange(ends, "public", 0, 3);
  exchange(ends, "private", 0, 3);
  const recorded: Sent[] = [];
  const counted = { primary: new Set<Sent>(), backup: new Set<Sent>() };
  /** The newest process of each router whose packets ever counted at the other. */
  const knownBoot = { primary: 0, backup: 0 };
  const problems: string[] = [];
  let nowMs = 100;
  const deliver = (to: RouterId, packet: Sent, by: PathName): void => {
    const { verdict, answer } = ends[to].receive(packet, nowMs, by);
    if (answer !== undefined) recorded.push(answer);
    if (verdict !== "counts") return;
    const from = packet.heartbeat.router;
    if (from !== otherRouter(to)) problems.push("a reflected packet counted");
    if (by !== packet.path) problems.push("a packet counted on the other path");
    if (counted[to].has(packet)) problems.push("a packet counted twice");
    if (nowMs - packet.atMs > DEAD_AFTER_MS)
      problems.push(`a packet counted that was held back ${nowMs - packet.atMs} ms`);
    if (packet.boot < knownBoot[from]) problems.push("a packet of a replaced process counted");
    counted[to].add(packet);
    knownBoot[from] = packet.boot;
  };
  for (const one of acts) {
    if (one.kind === "wait") nowMs += one.ms;
    else if (one.kind === "restart") {
      ends[one.router].restart();
      // What counted at the process before is new to this one.
      counted[one.router].clear();
      knownBoot[otherRouter(one.router)] = 0;
    } else if (one.kind === "send") {
      const packet = ends[one.router].send(one.path, nowMs);
      recorded.push(packet);
      if (one.arrives) deliver(otherRouter(one.router), packet, one.path);
    } else {
      const packet = recorded[one.which % Math.max(1, recorded.length)];
      if (packet !== undefined) deliver(one.to, packet, one.path);
    }
  }
  return problems;
}

test("judgePacket() counts no packet twice, late, reflected, across paths or of a replaced process", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
      expect(play(acts)).toEqual([]);
    }),
    { numRuns: 1_500 },
  );
});

test("judgePacket() lets two routers meet again after whatever happened", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), fc.boolean(), (acts, restarted) => {
      const ends = pairOfEnds();
      exchange(ends, "public", 0, 2);
      exchange(ends, "private", 0, 2);
      let nowMs = 100;
      for (const one of acts) {
        if (one.kind === "wait") nowMs += one.ms;
        if (one.kind === "restart") ends[one.router].restart();
        if (one.kind === "send") ends[one.router].send(one.path, nowMs);
      }
      if (restarted) ends.backup.restart();
      exchange(ends, "public", nowMs + 20, 4);
      exchange(ends, "private", nowMs + 20, 4);
      const met = [...exchange(ends, "public", nowMs + 100, 1), ...exchange(ends, "private", nowMs + 100, 1)];
      expect(met).toEqual(["backup: counts", "primary: counts", "backup: counts", "primary: counts"]);
    }),
    { numRuns: 500 },
  );
});
