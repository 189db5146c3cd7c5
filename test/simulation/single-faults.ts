/**
 * One fault in a pair at rest, and what it may cost at most. The bounds are for the default times: interval 200 ms,
 * dead_after 1 s, lease 3 s.
 */
import { AGREEMENT_MS, type FailoverSettings } from "../../src/failover/machine/settings.ts";
import type { World } from "./world.ts";

export interface SingleFault {
  readonly name: string;
  readonly settings?: Partial<FailoverSettings>;
  /** Does it to the active router `a`, the other being `b`. */
  readonly apply: (world: World, a: World["hosts"]["primary"], b: World["hosts"]["primary"]) => void;
  /** What is done after `mendAfterMs`, if anything. */
  readonly mend?: (world: World, a: World["hosts"]["primary"], b: World["hosts"]["primary"]) => void;
  readonly mendAfterMs?: number;
  /** How long a neighbour may be without a VIP, in one piece. */
  readonly unservedMs: number;
  /** How long both kernels may have a VIP while the routers can reach each other. */
  readonly twoOwnersMs: number;
  /** Whether a kernel has each VIP all the time but for this. */
  readonly noOwnerMs: number;
  /** Which router is active at the end: `a` unless it says otherwise. */
  readonly ends?: "b" | "either";
  /** Changes of role in both routers together until all is at rest, fail-back included. */
  readonly transitions: number;
}

/** Rule 9. */
const OVERLAP_MS = 20;
/** A crash: the kernel keeps the VIPs until their lease ends, then they are taken at once. */
const AFTER_LEASE_MS = 50;
/** Silence on all paths to a confirmed takeover. */
const DEAD_MS = 1_300;
const SERVICES = [
  { name: "mail", patienceMs: 9_000 },
  { name: "web", patienceMs: 9_000 },
];
const NOTHING = { unservedMs: 0, twoOwnersMs: 0, noOwnerMs: 0, transitions: 0 };

export const SINGLE_FAULTS: readonly SingleFault[] = [
  {
    ends: "b",
    name: "daemon of the active killed",
    apply: (_, a) => a.kill(),
    unservedMs: AFTER_LEASE_MS,
    noOwnerMs: AFTER_LEASE_MS,
    twoOwnersMs: 0,
    transitions: 1,
  },
  {
    name: "daemon of the active killed, restarted after its leases ended",
    apply: (_, a) => a.kill(),
    mend: (_, a) => a.start(),
    mendAfterMs: 9_000,
    unservedMs: AFTER_LEASE_MS,
    noOwnerMs: AFTER_LEASE_MS,
    twoOwnersMs: OVERLAP_MS,
    transitions: 3,
  },
  {
    name: "daemon of the active killed and restarted at once: the VIPs are adopted",
    apply: (_, a) => a.kill(),
    mend: (_, a) => a.start(),
    mendAfterMs: 700,
    ...NOTHING,
    transitions: 1,
  },
  {
    name: "daemon of the active frozen for longer than its leases",
    apply: (_, a) => a.freeze(),
    mend: (_, a) => a.thaw(),
    mendAfterMs: 9_000,
    unservedMs: AFTER_LEASE_MS,
    noOwnerMs: AFTER_LEASE_MS,
    twoOwnersMs: OVERLAP_MS,
    transitions: 4,
  },
  ...[500, 1_000, 2_000].map((ms) => ({
    name: `daemon of the active frozen for ${ms} ms`,
    apply: (_: World, a: World["hosts"]["primary"]) => a.freeze(),
    mend: (_: World, a: World["hosts"]["primary"]) => a.thaw(),
    mendAfterMs: ms,
    ...NOTHING,
  })),
  {
    name: "daemon of the active frozen for about its leases",
    apply: (_, a) => a.freeze(),
    mend: (_, a) => a.thaw(),
    mendAfterMs: 3_100,
    // It gives up what it slept over, and is the first to take it again.
    unservedMs: AFTER_LEASE_MS,
    noOwnerMs: AFTER_LEASE_MS,
    twoOwnersMs: OVERLAP_MS,
    transitions: 4,
  },
  {
    ends: "b",
    name: "active switched off",
    apply: (_, a) => a.powerOff(),
    unservedMs: DEAD_MS,
    noOwnerMs: DEAD_MS,
    twoOwnersMs: 0,
    transitions: 1,
  },
  {
    name: "active switched off and on again",
    apply: (_, a) => a.powerOff(),
    mend: (_, a) => a.powerOn(),
    mendAfterMs: 5_000,
    unservedMs: DEAD_MS,
    noOwnerMs: DEAD_MS,
    twoOwnersMs: OVERLAP_MS,
    transitions: 3,
  },
  ...(["public", "private"] as const).flatMap((side): SingleFault[] => [
    {
      name: `${side} cable of the active out`,
      apply: (_, a) => a.setCable(side, false),
      mend: (_, a) => a.setCable(side, true),
      mendAfterMs: 5_000,
      unservedMs: 50,
      noOwnerMs: 0,
      twoOwnersMs: OVERLAP_MS,
      transitions: 4,
    },
    {
      name: `${side} port of the active dead with its carrier up`,
      apply: (_, a) => {
        a.ports[side].sends = false;
        a.ports[side].receives = false;
      },
      mend: (_, a) => {
        a.ports[side].sends = true;
        a.ports[side].receives = true;
      },
      mendAfterMs: 5_000,
      unservedMs: DEAD_MS,
      noOwnerMs: 0,
      twoOwnersMs: OVERLAP_MS,
      transitions: 4,
    },
    ...(["sends", "receives"] as const).map(
      (way): SingleFault => ({
        name: `${side} port of the active no longer ${way}, with its carrier up`,
        apply: (_, a) => {
          a.ports[side][way] = false;
        },
        mend: (_, a) => {
          a.ports[side][way] = true;
        },
        mendAfterMs: 5_000,
        unservedMs: DEAD_MS,
        noOwnerMs: 0,
        twoOwnersMs: OVERLAP_MS,
        transitions: 4,
      }),
    ),
    {
      name: `${side} cable of the standby out`,
      apply: (_, __, b) => b.setCable(side, false),
      mend: (_, __, b) => b.setCable(side, true),
      mendAfterMs: 5_000,
      ...NOTHING,
    },
    {
      name: `${side} path cut between the routers`,
      apply: (world) => world.cutBetween(side, true),
      mend: (world) => world.cutBetween(side, false),
      mendAfterMs: 5_000,
      ...NOTHING,
    },
    {
      name: `${side} path cut in one direction`,
      apply: (world) => world.cutBetween(side, true, "primary"),
      mend: (world) => world.cutBetween(side, false, "primary"),
      mendAfterMs: 5_000,
      ...NOTHING,
    },
  ]),
  {
    name: "each path cut in another direction",
    apply: (world) => {
      world.cutBetween("public", true, "primary");
      world.cutBetween("private", true, "backup");
    },
    mend: (world) => {
      world.cutBetween("public", false);
      world.cutBetween("private", false);
    },
    mendAfterMs: 5_000,
    ...NOTHING,
  },
  {
    // The standby cannot be heard, but hears: it takes, and the active obeys. Mended, all stays as it is until fail-back.
    name: "one-way cut of both paths",
    apply: (world) => {
      world.cutBetween("public", true, "primary");
      world.cutBetween("private", true, "primary");
    },
    mend: (world) => {
      world.cutBetween("public", false);
      world.cutBetween("private", false);
    },
    mendAfterMs: 5_000,
    unservedMs: 0,
    noOwnerMs: 0,
    twoOwnersMs: OVERLAP_MS,
    transitions: 4,
  },
  {
    name: "both cables of the active out",
    apply: (_, a) => {
      a.setCable("public", false);
      a.setCable("private", false);
    },
    mend: (_, a) => {
      a.setCable("public", true);
      a.setCable("private", true);
    },
    mendAfterMs: 5_000,
    unservedMs: DEAD_MS,
    noOwnerMs: DEAD_MS,
    twoOwnersMs: OVERLAP_MS,
    transitions: 4,
  },
  {
    name: "daemon of the standby killed and restarted",
    apply: (_, __, b) => b.kill(),
    mend: (_, __, b) => b.start(),
    mendAfterMs: 5_000,
    ...NOTHING,
  },
  {
    name: "daemon of the standby frozen",
    apply: (_, __, b) => b.freeze(),
    mend: (_, __, b) => b.thaw(),
    mendAfterMs: 6_000,
    ...NOTHING,
  },
  {
    name: "standby switched off and on again",
    apply: (_, __, b) => b.powerOff(),
    mend: (_, __, b) => b.powerOn(),
    mendAfterMs: 6_000,
    ...NOTHING,
  },
  {
    name: "a VIP removed by hand",
    apply: (world, a) => {
      for (const { vip } of world.settings.vips.slice(0, 1)) a.removeByHand(vip);
    },
    ...NOTHING,
    unservedMs: 20,
    noOwnerMs: 20,
  },
  {
    ends: "b",
    name: "active switched off, and the program of the takeover fails at first",
    settings: { takeoverStep: { limitMs: 1_000, onFailure: "abort" } },
    apply: (_, a, b) => {
      b.stepFailures = 1;
      a.powerOff();
    },
    mend: (_, __, b) => {
      b.stepFailures = 0;
    },
    mendAfterMs: 1_500,
    // It tries again after a second.
    unservedMs: DEAD_MS + 1_000 + 2 * 100 + 50,
    noOwnerMs: DEAD_MS + 1_000 + 2 * 100 + 50,
    twoOwnersMs: 0,
    transitions: 1,
  },
  {
    name: "planned switch whose program fails although it has moved the cloud's address",
    settings: { takeoverStep: { limitMs: 1_000, onFailure: "abort" } },
    apply: (_, a, b) => {
      b.stepFailures = 1;
      a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
    },
    ...NOTHING,
    // The old owner announces its VIPs again, to neighbours that never lost them.
  },
  {
    ends: "b",
    name: "a service that only the standby reaches, with views = act",
    settings: { services: SERVICES, views: "act" },
    apply: (_, a, b) => {
      b.see(["alive", "alive"]);
      a.see(["alive", "dead"]);
    },
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
    // There, and not back as long as the primary does not reach it.
    transitions: 2,
  },
  {
    name: "a service that only the standby reaches, for a moment, with views = act",
    settings: { services: SERVICES, views: "act" },
    apply: (_, a, b) => {
      b.see(["alive", "alive"]);
      a.see(["alive", "dead"]);
    },
    mend: (_, a) => a.see(["alive", "alive"]),
    mendAfterMs: 7_000,
    ...NOTHING,
  },
  {
    name: "each router reaches a service that the other does not, with views = act",
    settings: { services: SERVICES, views: "act" },
    apply: (_, a, b) => {
      b.see(["dead", "alive"]);
      a.see(["alive", "dead"]);
    },
    ...NOTHING,
  },
  {
    name: "a service that only the standby reaches",
    settings: { services: SERVICES },
    apply: (_, a, b) => {
      b.see(["alive", "alive"]);
      a.see(["alive", "dead"]);
    },
    ...NOTHING,
  },
  {
    name: "a VIP set by hand on the standby",
    apply: (world, _, b) => {
      for (const { vip } of world.settings.vips.slice(0, 1)) b.setByHand(vip);
    },
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
  },
  {
    name: "the switch of the public side off and on again",
    apply: (world, a, b) => {
      a.setCable("public", false);
      world.run(world.random.between(0, 20));
      b.setCable("public", false);
    },
    mend: (world, a, b) => {
      b.setCable("public", true);
      world.run(world.random.between(0, 20));
      a.setCable("public", true);
    },
    mendAfterMs: 5_000,
    ...NOTHING,
    // As long as the switch is off, and until a neighbour has learnt it: nobody's fault, and nothing to move for.
    unservedMs: 5_100,
  },
  {
    name: "the kernel's address lock of the active held for 5 s",
    apply: (world, a) => {
      a.kernel.lockedUntilMs = world.clock.now + 5_000;
    },
    ...NOTHING,
  },
  {
    ends: "b",
    name: "planned switch",
    apply: (_, a) => a.command({ kind: "operator", id: 1, command: { kind: "switch" } }),
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
    transitions: 2,
  },
  {
    ends: "b",
    name: "planned switch on a slow network",
    apply: (world, a) => {
      world.setConditions({ delayMs: 10, jitterMs: 10, loss: 0, duplication: 0 });
      a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
    },
    ...NOTHING,
    // Two announcements and echoes, there and back, and the word that they came.
    twoOwnersMs: OVERLAP_MS + 6 * 20,
    transitions: 2,
  },
  {
    ends: "b",
    name: "planned switch, the private path being slower than the public one",
    apply: (world, a) => {
      world.networks.private.heartbeatDelayMs = 150;
      world.run(500);
      a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
    },
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
    transitions: 2,
  },
  {
    name: "planned switch, and the new owner is switched off while it takes",
    apply: (world, a, b) => {
      a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
      // Before its word that a neighbour follows it can be on its way: then the old owner has dropped them, rightly.
      world.run(world.random.between(0.2, 0.6));
      b.powerOff();
    },
    // The old owner keeps the VIPs, and announces them again when the agreement has run out.
    ...NOTHING,
    transitions: 1,
    unservedMs: AGREEMENT_MS + 100,
    twoOwnersMs: OVERLAP_MS,
  },
  {
    name: "both paths cut between the routers",
    apply: (world) => {
      world.cutBetween("public", true);
      world.cutBetween("private", true);
    },
    mend: (world) => {
      world.cutBetween("public", false);
      world.cutBetween("private", false);
    },
    mendAfterMs: 8_000,
    ...NOTHING,
    unservedMs: 50,
    // Both are active while they cannot reach each other; then the next heartbeats decide.
    twoOwnersMs: 2 * 200 + 50,
    transitions: 4,
  },
  {
    ends: "b",
    name: "planned switch asked for at the standby",
    apply: (_, __, b) => b.command({ kind: "operator", id: 1, command: { kind: "switch" } }),
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
    transitions: 2,
  },
  {
    name: "active stopped by SIGTERM and started again",
    apply: (_, a) => a.command({ kind: "stop" }),
    mend: (_, a) => a.start(),
    mendAfterMs: 5_000,
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
    transitions: 4,
  },
  {
    name: "standby stopped by SIGTERM",
    apply: (_, __, b) => b.command({ kind: "stop" }),
    ...NOTHING,
  },
];
