/** Faults that last: a path slower than the other, a loop that is always late, an interface that is gone for good. */
import { describe, expect, test } from "bun:test";
import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import type { FailoverSettings } from "../../src/failover/machine/settings.ts";
import { Checkers, longestMs } from "./checkers.ts";
import { Random } from "./random.ts";
import { SETTINGS, vip, World } from "./world.ts";

interface Pair {
  readonly world: World;
  readonly checkers: Checkers;
}

/** A pair at rest, its primary active. */
function pairAtRest(seed: number, settings: Partial<FailoverSettings> = {}): Pair {
  const checkers = new Checkers();
  const world = new World({
    random: new Random(seed),
    machine: { createState, step, nextDeadline },
    settings,
    watcher: checkers.watcher,
    observe: (seen) => checkers.observe(seen),
  });
  world.hosts.primary.start();
  world.run(100);
  world.hosts.backup.start();
  world.run(5_000 + seed * 7);
  return { world, checkers };
}

/** What happens from `apply` on, for so long. */
function outcome({ world, checkers }: Pair, durationMs: number, apply: () => void) {
  const fromMs = world.clock.now;
  const before = checkers.transitions.length;
  apply();
  world.run(durationMs);
  return {
    changes: checkers.transitions.length - before,
    owners: world.owners,
    noOwnerMs: longestMs(checkers.noOwner.after(fromMs, world.clock.now)),
    twoOwnersMs: longestMs(checkers.twoOwners.after(fromMs, world.clock.now)),
  };
}

describe("a planned switch, heartbeats of one path being slower", () => {
  test.each([5, 10, 20, 40, 80, 150, 300])("by %i ms, changes two roles and no more", (delayMs) => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const pair = pairAtRest(seed, { failback: "manual" });
      pair.world.networks.private.heartbeatDelayMs = delayMs;
      pair.world.run(1_000);
      const { changes, owners } = outcome(pair, 3_000, () =>
        pair.world.hosts.primary.command({ kind: "operator", id: 1, command: { kind: "switch" } }),
      );
      expect({ seed, changes, owners }).toEqual({ seed, changes: 2, owners: ["backup"] });
    }
  });
});

describe("a standby whose every wake is late", () => {
  test.each([
    [100, 2_000],
    [150, 2_500],
    [300, 4_000],
    [1_000, 12_000],
  ])("by %i ms takes over all the same when the active is switched off", (starvedMs, limitMs) => {
    const pair = pairAtRest(3);
    pair.world.hosts.backup.starvedMs = starvedMs;
    pair.world.run(2_000);
    const { owners, noOwnerMs } = outcome(pair, 20_000, () => pair.world.hosts.primary.powerOff());
    expect({ owners, inTime: noOwnerMs < limitMs }).toEqual({ owners: ["backup"], inTime: true });
  });
});

describe("an active whose every wake is late", () => {
  test.each([100, 150, 300])(
    "by %i ms hands over all the same when nobody answers on one of its sides",
    (starvedMs) => {
      const pair = pairAtRest(3, { failback: "manual" });
      const { primary } = pair.world.hosts;
      primary.starvedMs = starvedMs;
      pair.world.run(3_000);
      const { owners } = outcome(pair, 20_000, () => {
        primary.ports.public.sends = false;
        primary.ports.public.receives = false;
      });
      expect(owners).toEqual(["backup"]);
    },
  );
});

describe("an active that loses an interface with a VIP for good", () => {
  const vips = [...SETTINGS.vips, vip("198.51.100.10/24", "eth2", "public")];

  test("gives the VIPs up and leaves them to the peer, which goes first", () => {
    const pair = pairAtRest(1, { vips });
    const { kernel } = pair.world.hosts.primary;
    const { changes, owners, noOwnerMs } = outcome(pair, 120_000, () => kernel.loseInterface("eth2"));
    // The lost VIP is missed until the leases are given up.
    expect({ changes, owners, inTime: noOwnerMs < 3_200 }).toEqual({ changes: 2, owners: ["backup"], inTime: true });
  });

  test("is not believed for ever when its removals fail and it says that it holds them", () => {
    const pair = pairAtRest(1, { vips });
    const { kernel } = pair.world.hosts.primary;
    const { changes, owners, noOwnerMs } = outcome(pair, 120_000, () => {
      kernel.failsRemovals = true;
      kernel.loseInterface("eth2");
    });
    // Then a lease and its slack go by before the peer's kernel is asked.
    expect({ changes, owners, inTime: noOwnerMs < 3_200 + 4_200 }).toEqual({
      changes: 2,
      owners: ["backup"],
      inTime: true,
    });
  });
});
