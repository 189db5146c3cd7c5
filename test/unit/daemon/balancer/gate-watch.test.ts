import { expect, test } from "bun:test";
import type { GateView } from "../../../../src/balance/servers/check-report.ts";
import { GateWatch } from "../../../../src/daemon/balancer/gate-watch.ts";
import type { GateReport } from "../../../../src/failover/machine/surroundings.ts";
import { gate } from "../../../support/balance-fixtures.ts";

const AWAY = "the balancer, which checks it, does not answer";

class Watched {
  readonly changes: (readonly GateReport[])[] = [];
  readonly lines: string[] = [];
  nowMs = 100;
  readonly watch: GateWatch;

  constructor(gates = [gate({ name: "a" }), gate({ name: "b", effect: "warn" })]) {
    this.watch = new GateWatch({
      gates,
      logger: { log: ({ level, part, message }) => this.lines.push(`${level} ${part} ${message}`) },
      now: () => this.nowMs,
      onChange: (reports) => this.changes.push(reports),
    });
  }

  /** What was told since the last call: each gate as `name state since`, with its detail. */
  told(): string[][] {
    return this.changes.splice(0).map((reports) => reports.map(textOf));
  }
}

function textOf({ name, state, sinceMs, effect, detail }: GateReport): string {
  return `${name} ${effect} ${state} ${sinceMs}${detail === undefined ? "" : `: ${detail}`}`;
}

const PASSING: readonly GateView[] = [
  { name: "a", state: "passing", sinceMs: 200 },
  { name: "b", state: "failing", sinceMs: 300, detail: "refused" },
];

test("GateWatch begins with unknown, and tells nobody of that", () => {
  const { watch, changes, lines } = new Watched();
  expect(watch.reports.map(textOf)).toEqual(["a hand-over unknown 100", "b warn unknown 100"]);
  expect([changes, lines]).toEqual([[], []]);
});

test("GateWatch tells of each change once, with the effect that the configuration says", () => {
  const watched = new Watched();
  watched.watch.take(PASSING);
  watched.watch.take(PASSING);
  watched.watch.hear();
  expect(watched.told()).toEqual([["a hand-over passing 200", "b warn failing 300: refused"]]);
  expect(watched.lines).toEqual(["info gate a passes", "warn gate b fails: refused"]);
});

test("GateWatch hears of no gate that the configuration doesn't have", () => {
  const watched = new Watched([gate({ name: "a" })]);
  watched.watch.take([...PASSING, { name: "x", state: "failing", sinceMs: 1 }]);
  expect(watched.told()).toEqual([["a hand-over passing 200"]]);
});

test("GateWatch knows nothing when the balancer has ended, until a new one has told", () => {
  const watched = new Watched();
  watched.watch.take(PASSING);
  watched.told();
  watched.lines.length = 0;
  watched.nowMs = 1_000;
  watched.watch.lose("ended");
  watched.nowMs = 2_000;
  watched.watch.lose("silent");
  expect(watched.told()).toEqual([[`a hand-over unknown 1000: ${AWAY}`, `b warn unknown 1000: ${AWAY}`]]);
  expect(watched.lines).toEqual([`warn gate a is unknown: ${AWAY}`, `warn gate b is unknown: ${AWAY}`]);
  watched.watch.hear();
  expect(watched.told()).toEqual([["a hand-over unknown 1000", "b warn unknown 1000"]]);
  watched.watch.take(PASSING.slice(0, 1));
  expect(watched.told()).toEqual([["a hand-over passing 200", "b warn unknown 1000"]]);
  expect(watched.lines.slice(2)).toEqual(["info gate a passes"]);
});

test("GateWatch takes what a balancer said for true again that was only silent", () => {
  const watched = new Watched();
  watched.watch.take(PASSING);
  watched.watch.lose("silent");
  watched.told();
  watched.watch.hear();
  expect(watched.told()).toEqual([["a hand-over passing 200", "b warn failing 300: refused"]]);
});

test("GateWatch follows the configuration: what stays is known, what is new is not, what went is told of no more", () => {
  const watched = new Watched();
  watched.watch.take(PASSING);
  watched.told();
  watched.nowMs = 500;
  watched.watch.configure([gate({ name: "c" }), gate({ name: "a", effect: "warn" })]);
  expect(watched.told()).toEqual([["c hand-over unknown 500", "a warn passing 200"]]);
  watched.watch.configure([]);
  expect(watched.told()).toEqual([[]]);
});
