/** Faults of a router that lives and cannot serve, and of two that cannot read each other (rules 16 to 20). */
import { PATHS } from "../../src/model/pair.ts";
import { INTERFACES, type Segment } from "./network.ts";
import type { SingleFault } from "./single-faults.ts";
import { SETTINGS, vip, type World } from "./world.ts";

type Host = World["hosts"]["primary"];

const NOTHING = { unservedMs: 0, twoOwnersMs: 0, noOwnerMs: 0, transitions: 0 };
/** Rule 9. */
const OVERLAP_MS = 20;
/** A VIP beside those of the two sides. */
const THREE_VIPS = { vips: [...SETTINGS.vips, vip("198.51.100.10/24", INTERFACES.third, "public")] };
/** The kernel told it: an event, the settling of two carriers, and an agreed move. */
const TOLD = { unservedMs: 100, twoOwnersMs: OVERLAP_MS, noOwnerMs: 0, transitions: 2, ends: "b" as const };
/** Nobody answers any more: `dead_after`, and an agreed move. */
const JUDGED = { ...TOLD, unservedMs: 1_300 };
/** Silence on all paths to a confirmed takeover. */
const DEAD_MS = 1_300;
/** Rule 19: from the first frame that passes. */
const SECOND_OWNER_MS = 1_000;

const BLIPS: readonly { readonly blipMs: number; readonly afterMs: number }[] = [
  ...[20, 50, 300, 1_000, 2_000].flatMap((blipMs) =>
    [300, 1_000, 3_000, 8_000].map((afterMs) => ({ blipMs, afterMs })),
  ),
  { blipMs: 300, afterMs: 70_000 },
  { blipMs: 2_000, afterMs: 70_000 },
  { blipMs: 20_000, afterMs: 5_000 },
];

/** Silent for `dead_after`, and asked by then. */
function isKnownToLive(afterMs: number): boolean {
  return afterMs >= 3_000;
}

const DEAFNESS: readonly { readonly what: string; readonly apply: (world: World) => void }[] = [
  { what: "the routers have different keys", apply: (world) => world.setTwoKeys(true) },
  { what: "heartbeats are filtered where they come in", apply: (world) => world.filterHeartbeats("coming") },
  { what: "heartbeats are filtered where they leave", apply: (world) => world.filterHeartbeats("leaving") },
];

const blips = DEAFNESS.flatMap(({ what, apply }) =>
  BLIPS.map(
    ({ blipMs, afterMs }): SingleFault => ({
      name: `${what}, and ${afterMs} ms later no frame passes at the active's ports for ${blipMs} ms`,
      apply: (world, a) => {
        apply(world);
        world.run(afterMs);
        world.setIsolated(a.router, true);
      },
      mend: (world, a) => world.setIsolated(a.router, false),
      mendAfterMs: blipMs,
      // Beside the blip itself: who came later gives way, and the neighbours follow who stays.
      unservedMs: blipMs + SECOND_OWNER_MS + 300,
      // Once the active's kernel has answered after its daemon fell silent, its VIPs are known to live.
      twoOwnersMs: isKnownToLive(afterMs) ? 0 : SECOND_OWNER_MS,
      // An active that is isolated for longer than the window of its evidence gives the VIPs up itself; and what is asked
      // while nothing answers is not believed before every lease has ended.
      noOwnerMs: blipMs < 1_000 ? 0 : Math.min(blipMs, 3_000 + 2_500),
      transitions: !isKnownToLive(afterMs) ? 4 : blipMs < 1_000 ? 0 : 2,
      ends: "either",
    }),
  ),
);

/** Both are active while they cannot ask each other; who came later gives way, and the neighbours follow who stays. */
const TWO_FOR_A_MOMENT = {
  // Who stays has announced already when it finds the other one gone, by three questions 100 ms apart.
  unservedMs: 300,
  noOwnerMs: 0,
  twoOwnersMs: SECOND_OWNER_MS,
  transitions: 2,
};

/** For longer than any lease may run. */
const CUT_MS = 8_000;

function cutBoth(world: World, isCut: boolean): void {
  for (const path of ["public", "private"] as const) world.cutBetween(path, isCut);
}

const cuts = DEAFNESS.flatMap(({ what, apply }): SingleFault[] => [
  {
    name: `${what}, and both paths are cut between the routers for 8 s`,
    apply: (world) => {
      apply(world);
      world.run(5_000);
      cutBoth(world, true);
    },
    mend: (world) => cutBoth(world, false),
    mendAfterMs: CUT_MS,
    ...TWO_FOR_A_MOMENT,
  },
  {
    name: `the standby was active before, ${what}, and both paths are cut between the routers for 8 s`,
    settings: { failback: "manual" },
    apply: (world, a, b) => {
      for (const [id, host] of [a, b].entries()) {
        host.command({ kind: "operator", id, command: { kind: "switch" } });
        world.run(3_000);
      }
      apply(world);
      world.run(5_000);
      cutBoth(world, true);
    },
    mend: (world) => cutBoth(world, false),
    mendAfterMs: CUT_MS,
    ...TWO_FOR_A_MOMENT,
    transitions: 6,
  },
]);

const deaths = DEAFNESS.map(
  ({ what, apply }): SingleFault => ({
    name: `${what}, and the active is switched off`,
    apply: (world, a) => {
      apply(world);
      world.run(5_000);
      a.powerOff();
    },
    // A lease, and what may be left of asking: 2.5 s.
    unservedMs: 3_000 + 2_500,
    noOwnerMs: 3_000 + 2_500,
    twoOwnersMs: 0,
    transitions: 1,
    ends: "b",
  }),
);

const ownAddresses = (["public", "private"] as const).map(
  (side): SingleFault => ({
    name: `the own ${side} address of the active removed`,
    apply: (_, a) => a.setOwnAddress(side, false),
    ...TOLD,
    transitions: 2,
  }),
);

const links = (["public", "private", "third"] as const).flatMap((segment: Segment): SingleFault[] => [
  {
    name: `${segment} interface of the active set down`,
    settings: THREE_VIPS,
    apply: (_, a) => a.setLink(segment, false),
    ...TOLD,
  },
  {
    name: `${segment} interface of the active renamed`,
    settings: THREE_VIPS,
    apply: (_, a) => a.setRenamed(segment, true),
    ...TOLD,
  },
  {
    name: `${segment} interface of the active gone`,
    settings: THREE_VIPS,
    apply: (_, a) => a.setInterface(segment, false),
    ...TOLD,
    noOwnerMs: 100,
  },
]);

const LOSSES: readonly { readonly how: string; readonly lose: (host: Host, segment: Segment) => void }[] = [
  { how: "set down", lose: (host, segment) => host.setLink(segment, false) },
  { how: "renamed", lose: (host, segment) => host.setRenamed(segment, true) },
  { how: "gone", lose: (host, segment) => host.setInterface(segment, false) },
];

const standby = (["public", "private", "third"] as const).flatMap((segment: Segment) =>
  LOSSES.map(
    ({ how, lose }): SingleFault => ({
      name: `${segment} interface of the standby ${how}: a planned switch is refused`,
      settings: THREE_VIPS,
      apply: (world, a, b) => {
        lose(b, segment);
        // The kernel's event is enough: nobody has been silent for long.
        world.run(300);
        a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
      },
      ...NOTHING,
    }),
  ),
);

const hangs = [3_500, 6_000, 12_000].map(
  (ms): SingleFault => ({
    name: `the kernel thread of the active hangs for ${ms} ms`,
    settings: { failback: "manual" },
    apply: (world, a) => {
      // Just renewed, so that the lease surely ends while it hangs.
      a.hangKernelThread(ms + 1_100);
      world.log(`for ${ms} ms and more`);
    },
    // The moment the kernel has dropped the VIPs they are taken.
    unservedMs: 100,
    noOwnerMs: 100,
    twoOwnersMs: 0,
    transitions: 2,
    ends: "b",
  }),
);

export const FITNESS_FAULTS: readonly SingleFault[] = [
  ...blips,
  ...cuts,
  ...deaths,
  ...ownAddresses,
  ...links,
  ...standby,
  ...hangs,
  {
    name: "no frame passes at the standby's ports, with its carriers up",
    apply: (world, _, b) => world.setIsolated(b.router, true),
    mend: (world, _, b) => world.setIsolated(b.router, false),
    mendAfterMs: 5_000,
    ...NOTHING,
  },
  ...DEAFNESS.map(
    ({ what, apply }): SingleFault => ({
      name: `${what}, and later no frame passes at the standby's ports for 20 s`,
      apply: (world, _, b) => {
        apply(world);
        world.run(5_000);
        world.setIsolated(b.router, true);
      },
      mend: (world, _, b) => world.setIsolated(b.router, false),
      mendAfterMs: 20_000,
      // Who sees nobody is the broken one, and takes nothing.
      ...NOTHING,
    }),
  ),
  {
    name: "a VIP set by hand on the standby, and again when it was removed",
    apply: (world, _, b) => {
      for (const { vip } of world.settings.vips.slice(0, 1)) {
        b.setByHand(vip);
        world.run(2_000);
        b.setByHand(vip);
      }
    },
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
  },
  {
    name: "reloads that add a VIP and take it away again",
    apply: (world, a, b) => {
      for (const settings of [THREE_VIPS, { vips: SETTINGS.vips }]) {
        for (const host of [a, b]) host.command({ kind: "reload", settings: { ...host.settings, ...settings } });
        world.run(2_500);
      }
    },
    ...NOTHING,
  },
  {
    name: "the kernel of the active refuses every renewal",
    apply: (world, a) => {
      for (const { vip } of world.settings.vips) a.kernel.refuses.add(vip.prefix.address.text);
    },
    // The VIPs stay until their leases end; then it gives them up, and the peer goes first.
    ...TOLD,
    noOwnerMs: 100,
  },
  {
    name: "both routers switched off and on together, with different keys",
    apply: (world, a, b) => {
      a.powerOff();
      b.powerOff();
      world.setTwoKeys(true);
      a.powerOn();
      b.powerOn();
    },
    // Neither knows of the other: the primary goes first.
    unservedMs: DEAD_MS,
    noOwnerMs: DEAD_MS,
    twoOwnersMs: 0,
    transitions: 1,
  },
  {
    name: "the kernel thread of the active hangs, and a switch is asked for",
    settings: { failback: "manual" },
    apply: (world, a) => {
      a.hangKernelThread(7_000);
      // It is known to hang after half a lease, and the leases end after two thirds of one at the earliest.
      world.run(1_800);
      a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
    },
    // It could not drop them, so it offers nothing: they are taken when the kernel has dropped them.
    unservedMs: 100,
    noOwnerMs: 100,
    twoOwnersMs: 0,
    transitions: 2,
    ends: "b",
  },
  {
    name: "active switched off, and the kernel of the standby refuses one of the VIPs for 10 s",
    settings: THREE_VIPS,
    apply: (_, a, b) => {
      b.kernel.refuses.add("198.51.100.10");
      a.powerOff();
    },
    mend: (_, __, b) => b.kernel.refuses.clear(),
    mendAfterMs: 10_000,
    // That one, until it is tried again; the others are taken as ever.
    unservedMs: 10_000 + 2_100,
    noOwnerMs: 10_000 + 2_100,
    twoOwnersMs: 0,
    transitions: 1,
    ends: "b",
  },
  {
    name: "the default route of the active lost, beside a standby that never had one",
    apply: (world, a, b) => {
      b.kill();
      b.setDefaultRoute(false);
      b.start();
      world.run(5_000);
      a.setDefaultRoute(false);
    },
    mend: (_, a) => a.setDefaultRoute(true),
    mendAfterMs: 20_000,
    ...NOTHING,
    // Moving them would serve nobody.
    unservedMs: 20_100,
  },
  {
    name: "no frame passes at the third port of the one router, then of the other",
    settings: { ...THREE_VIPS, failback: "manual" },
    apply: (world, a, b) => {
      for (const { ports } of [a, b]) {
        ports.third.sends = false;
        ports.third.receives = false;
        world.run(5_000);
        ports.third.sends = true;
        ports.third.receives = true;
      }
    },
    // The second move so soon would be the beginning of many.
    ...JUDGED,
    unservedMs: 5_100,
  },
  {
    name: "third cable of the active out",
    settings: THREE_VIPS,
    apply: (_, a) => a.setCable("third", false),
    ...TOLD,
  },
  {
    name: "no frame passes at the third port of the active",
    settings: THREE_VIPS,
    apply: (_, a) => {
      a.ports.third.sends = false;
      a.ports.third.receives = false;
    },
    ...JUDGED,
  },
  {
    name: "the default route of the active lost",
    apply: (_, a) => a.setDefaultRoute(false),
    ...JUDGED,
  },
  {
    name: "a default route that only the standby has",
    apply: (_, a, b) => {
      a.setDefaultRoute(false);
      b.setDefaultRoute(false);
    },
    mend: (_, __, b) => b.setDefaultRoute(true),
    mendAfterMs: 500,
    // Lost at both in one moment, it is nobody's disadvantage; where the standby gets it back, it is the active's.
    ...JUDGED,
    unservedMs: 2_000,
  },
  {
    name: "a gate of the active fails",
    apply: (world, a, b) => {
      a.setGate("proxy", "passing");
      b.setGate("proxy", "passing");
      world.run(31_000);
      a.setGate("proxy", "failing");
    },
    ...TOLD,
    unservedMs: 0,
  },
  {
    name: "a gate fails at both routers",
    apply: (world, a, b) => {
      a.setGate("proxy", "passing");
      b.setGate("proxy", "passing");
      world.run(31_000);
      b.setGate("proxy", "failing");
      world.run(500);
      a.setGate("proxy", "failing");
    },
    ...NOTHING,
  },
  {
    name: "a gate that only the active has fails",
    apply: (_, a) => a.setGate("proxy", "failing"),
    ...NOTHING,
  },
  {
    name: "a gate of the active fails, and the standby's has just recovered",
    apply: (_, a, b) => {
      a.setGate("proxy", "failing");
      b.setGate("proxy", "passing");
    },
    mend: (_, a) => a.setGate("proxy", "passing"),
    mendAfterMs: 25_000,
    ...NOTHING,
  },
  {
    name: "a planned switch that no neighbour confirms",
    settings: { failback: "manual" },
    apply: (world, a) => {
      for (const path of PATHS) world.neighbours[path].answersEchoes = false;
      a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
    },
    unservedMs: 0,
    noOwnerMs: 0,
    twoOwnersMs: OVERLAP_MS,
    transitions: 2,
    ends: "b",
  },
  {
    name: "a VIP that the kernel of the standby refuses",
    settings: THREE_VIPS,
    apply: (world: World, a: Host, b: Host) => {
      b.kernel.refuses.add("198.51.100.10");
      world.run(1_000);
      a.command({ kind: "operator", id: 1, command: { kind: "switch" } });
    },
    ...NOTHING,
    twoOwnersMs: OVERLAP_MS,
  },
];
