import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { FrameWatch, parseFrameCounters } from "../../../../src/kernel/neighbours/frame-watch.ts";

/** As the kernel prints it. */
function counters(frames: Readonly<Record<string, number>>): string {
  const lines = Object.entries(frames).map(
    ([name, count]) =>
      `${name.padStart(6)}: ${count * 60}  ${count}    0    0    0     0          0         0   9   9 0 0 0 0 0 0`,
  );
  return ["Inter-|   Receive   |  Transmit", " face |bytes    packets errs drop |bytes", ...lines, ""].join("\n");
}

test("parseFrameCounters() reads the received frames of each interface", () => {
  expect(parseFrameCounters(counters({ lo: 0, eth0: 12, "eth0.100": 7 }))).toEqual(
    new Map([
      ["lo", "0"],
      ["eth0", "12"],
      ["eth0.100", "7"],
    ]),
  );
});

test("parseFrameCounters() reads what this kernel prints", () => {
  expect(parseFrameCounters(readFileSync("/proc/net/dev", "latin1")).get("lo")).toMatch(/^\d+$/);
});

test("FrameWatch dates a frame to the look that first counted it", () => {
  let text = counters({ eth0: 5, eth1: 5 });
  const watch = new FrameWatch(["eth0", "eth1"], () => text);
  watch.look(1_000);
  text = counters({ eth0: 6, eth1: 5 });
  watch.look(1_200);
  watch.look(1_400);
  expect([watch.evidence("eth0"), watch.evidence("eth1")]).toEqual([{ lastFrameAtMs: 1_200 }, {}]);
});

test("FrameWatch does not take an interface that appears, or a machine without /proc, for a frame", () => {
  let text = counters({});
  const watch = new FrameWatch(["eth0"], () => {
    if (text === "") throw new Error("ENOENT");
    return text;
  });
  text = counters({ eth0: 900 });
  watch.look(1_000);
  text = "";
  watch.look(1_100);
  expect(watch.evidence("eth0")).toEqual({});
  text = counters({ eth0: 901 });
  watch.look(1_200);
  expect(watch.evidence("eth0")).toEqual({ lastFrameAtMs: 1_200 });
});

test("FrameWatch remembers when a neighbour answered, on the interfaces it was given only", () => {
  const watch = new FrameWatch(["eth0"], () => counters({ eth0: 1, eth1: 1 }));
  watch.neighbourAnswered("eth0", 500);
  watch.neighbourAnswered("eth1", 600);
  expect([watch.evidence("eth0"), watch.evidence("eth1")]).toEqual([{ lastNeighbourAtMs: 500 }, {}]);
});

test("FrameWatch keeps what it heard on interfaces that stay when others come and go", () => {
  let text = counters({ eth0: 1, eth1: 1, eth2: 1 });
  const watch = new FrameWatch(["eth0", "eth1"], () => text);
  text = counters({ eth0: 2, eth1: 2, eth2: 2 });
  watch.look(500);
  watch.neighbourAnswered("eth0", 500);
  watch.follow(["eth0", "eth2"]);
  expect(["eth0", "eth1", "eth2"].map((name) => watch.evidence(name))).toEqual([
    { lastFrameAtMs: 500, lastNeighbourAtMs: 500 },
    {},
    {},
  ]);
  text = counters({ eth0: 2, eth1: 3, eth2: 3 });
  watch.look(600);
  expect(["eth0", "eth1", "eth2"].map((name) => watch.evidence(name).lastFrameAtMs)).toEqual([500, undefined, 600]);
});
