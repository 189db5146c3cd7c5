/** Whatever is fed to the machine, in whatever order: it does not throw, keeps its promises, and gives its state away unchanged. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import type { Effect } from "../../src/failover/machine/effect.ts";
import type { Input } from "../../src/failover/machine/failover-input.ts";
import { TRAIL_LIMIT } from "../../src/failover/machine/settings.ts";
import type { State } from "../../src/failover/machine/state.ts";
import type { ForeignVip, Surroundings } from "../../src/failover/machine/surroundings.ts";
import type { RouterId } from "../../src/model/pair.ts";
import { MAC, PRIVATE_VIP, PUBLIC_VIP, SETTINGS } from "../support/failover.ts";
import { heartbeats } from "../support/heartbeats.ts";

const side = fc.constantFrom("public" as const, "private" as const);
const vip = fc.constantFrom(PUBLIC_VIP, PRIVATE_VIP);
const batch = fc.nat({ max: 12 });
const recent = fc.integer({ min: -5_000, max: 100 });
const mac = fc.constantFrom(...Object.values(MAC));
const FOREIGN: ForeignVip[] = [
  { vip: PUBLIC_VIP, text: "203.0.113.10/24 on eth0", fixed: false },
  { vip: PRIVATE_VIP, text: "10.0.0.1/24 on lo", fixed: true },
];
const surroundings: fc.Arbitrary<Surroundings> = fc
  .tuple(
    fc.option(fc.record({ up: fc.boolean(), carrier: fc.boolean() }), { nil: undefined }),
    fc.boolean(),
    fc.subarray(["inet" as const, "inet6" as const]),
    fc.subarray(["net.ipv4.ip_forward"]),
  )
  .map(([link, ownAddress, defaultRoutes, settingsLost]) => ({
    interfaces: [
      { name: "eth0", ...(link === undefined ? {} : { link }), sides: ["public" as const], ownAddress },
      { name: "eth1", link: { up: true, carrier: true }, sides: ["private" as const], ownAddress: true },
    ],
    defaultRoutes,
    settingsLost,
  }));

/** Inputs as functions of the time, so that evidence is about now. */
const input: fc.Arbitrary<(nowMs: number) => Input> = fc.oneof(
  fc.constant(() => ({ kind: "tick" as const })),
  fc.record({ kind: fc.constant("heartbeat" as const), path: side, heartbeat: heartbeats }).map((value) => () => value),
  fc
    .record({ kind: fc.constant("start" as const), adoptable: fc.subarray([PUBLIC_VIP, PRIVATE_VIP]) })
    .map((value) => () => value),
  fc.record({ kind: fc.constant("carrier" as const), side, up: fc.boolean() }).map((value) => () => value),
  fc.tuple(side, fc.boolean(), recent, recent).map(([name, askable, frame, neighbour]) => (nowMs: number) => ({
    kind: "evidence" as const,
    side: name,
    askable,
    lastFrameAtMs: nowMs + frame,
    lastNeighbourAtMs: nowMs + neighbour,
  })),
  fc
    .record({ kind: fc.constant("owner-answer" as const), vip, mac: fc.constantFrom(...Object.values(MAC)) })
    .map((value) => () => ({ kind: value.kind, address: value.vip.prefix.address, mac: value.mac, interface: "eth0" })),
  fc
    .record({
      kind: fc.constant("lease-outcome" as const),
      batch,
      results: fc.array(fc.record({ vip, result: fc.constantFrom("created", "renewed", "failed") }), { maxLength: 2 }),
    })
    .map((value) => () => value),
  fc
    .record({
      kind: fc.constant("remove-outcome" as const),
      batch,
      results: fc.array(fc.record({ vip, result: fc.constantFrom("removed", "absent", "failed") }), { maxLength: 2 }),
    })
    .map((value) => () => value),
  fc.record({ kind: fc.constant("address-removed" as const), vip }).map((value) => () => value),
  fc
    .record({ kind: fc.constant("verify-answer" as const), verification: batch, vip, elapsedMs: fc.nat({ max: 100 }) })
    .map(({ kind, verification, vip: from, elapsedMs }) => () => ({
      kind,
      verification,
      address: from.prefix.address,
      by: PUBLIC_VIP.prefix.address,
      elapsedMs,
    })),
  fc
    .record({
      kind: fc.constant("operator" as const),
      id: fc.nat({ max: 99 }),
      command: fc.constantFrom(
        { kind: "switch" } as const,
        { kind: "take", force: false } as const,
        { kind: "take", force: true } as const,
        { kind: "release" } as const,
        { kind: "hold" } as const,
        { kind: "unhold" } as const,
      ),
    })
    .map((value) => () => value),
  fc.constant(() => ({ kind: "stop" as const })),
  fc
    .record({
      hasServices: fc.boolean(),
      intervalMs: fc.constantFrom(10, 200),
      leaseMs: fc.constantFrom(1_000, 3_000, 30_000),
      stop: fc.constantFrom("release" as const, "keep" as const),
      vips: fc.subarray([...SETTINGS.vips]),
    })
    .map((change) => () => ({ kind: "reload" as const, settings: { ...SETTINGS, ...change } })),
  fc.record({ kind: fc.constant("peer-answer" as const), side, mac }).map((value) => () => value),
  fc.record({ kind: fc.constant("twin" as const), side, mac }).map((value) => () => value),
  fc.tuple(side, recent).map(([path, agoMs]) => (nowMs: number) => ({
    kind: "peer-frame" as const,
    path,
    atMs: nowMs + Math.min(0, agoMs),
  })),
  surroundings.map((told) => () => ({ kind: "surroundings" as const, surroundings: told })),
  fc.record({ kind: fc.constant("foreign-vips" as const), found: fc.subarray(FOREIGN) }).map((value) => () => value),
  fc
    .record({ kind: fc.constant("gates" as const), state: fc.constantFrom("unknown", "passing", "failing") })
    .map(({ kind, state }) => (nowMs: number) => ({
      kind,
      gates: [{ name: "proxy", state, sinceMs: nowMs - 40_000, effect: "hand-over" as const }],
    })),
  fc.constantFrom<Input>({ kind: "ipvs" }, { kind: "ipvs", missing: "no such module" }).map((value) => () => value),
  fc
    .record({ kind: fc.constant("hook-done" as const), hook: batch, ok: fc.boolean(), detail: fc.constant("ended") })
    .map((value) => () => value),
);

/** What the kernel makes of the oldest change that waits; nothing: it is slow. */
const kernel = fc.constantFrom(
  "created" as const,
  "created" as const,
  "renewed" as const,
  "failed" as const,
  undefined,
);

const turns = fc.array(
  fc.record({ waitMs: fc.nat({ max: 1_500 }), inputs: fc.array(input, { maxLength: 4 }), kernel }),
  { maxLength: 40 },
);

type Change = Extract<Effect, { kind: "lease" | "remove" }>;

function outcome(change: Change, result: "created" | "renewed" | "failed"): Input {
  const { batch, vips } = change;
  if (change.kind === "lease") {
    return { kind: "lease-outcome", batch, results: vips.map((leased) => ({ vip: leased, result })) };
  }
  const removal = result === "failed" ? ("failed" as const) : ("removed" as const);
  return { kind: "remove-outcome", batch, results: vips.map((gone) => ({ vip: gone, result: removal })) };
}

const BOOT: readonly Input[] = [
  { kind: "carrier", side: "public", up: true },
  { kind: "carrier", side: "private", up: true },
  { kind: "start", adoptable: [] },
];

/** A machine whose every step is checked. */
class CheckedMachine {
  readonly changes: Change[] = [];
  state: State;

  constructor(router: RouterId, hasStep: boolean, nowMs: number) {
    const takeoverStep = { limitMs: 500, onFailure: "abort" as const };
    const settings = { ...SETTINGS, router, ...(hasStep ? { takeoverStep } : {}) };
    this.state = createState({ settings, seed: "a".repeat(64), nowMs });
  }

  step(next: Input, nowMs: number): void {
    const before = structuredClone(this.state);
    const result = step(this.state, next, nowMs);
    // The state that was given stays as it was, and the same step gives the same result.
    expect(this.state).toEqual(before);
    expect(step(this.state, next, nowMs)).toEqual(result);
    expect(result.state.term).toBeGreaterThanOrEqual(this.state.term);
    for (const effect of result.effects)
      if (effect.kind === "lease" || effect.kind === "remove") this.changes.push(effect);
    this.state = result.state;
  }
}

test("step() holds its promises for any inputs in any order", () => {
  const reached = { active: 0, exited: 0 };
  fc.assert(
    fc.property(turns, fc.constantFrom<RouterId[]>("primary", "backup"), fc.boolean(), (all, router, hasStep) => {
      let nowMs = 1_000;
      const machine = new CheckedMachine(router, hasStep, nowMs);
      for (const boot of BOOT) machine.step(boot, nowMs);
      for (const turn of all) {
        nowMs += turn.waitMs;
        for (const make of turn.inputs) machine.step(make(nowMs), nowMs);
        const change = turn.kernel === undefined ? undefined : machine.changes.shift();
        if (change !== undefined && turn.kernel !== undefined) machine.step(outcome(change, turn.kernel), nowMs);
        machine.step({ kind: "tick" }, nowMs);
        const due = nextDeadline(machine.state);
        if (due === undefined) reached.exited += 1;
        else expect(due).toBeGreaterThan(nowMs);
        if (machine.state.phase.kind === "active") reached.active += 1;
      }
      expect(machine.state.trail.length).toBeLessThanOrEqual(TRAIL_LIMIT);
    }),
    { numRuns: 700, includeErrorInReport: true },
  );
  // The interesting states are reached, or this would prove nothing.
  expect(Math.min(reached.active, reached.exited)).toBeGreaterThan(10);
});
