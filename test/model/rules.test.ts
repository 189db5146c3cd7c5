/**
 * The rules about a silent peer and a second owner, searched through with up to four faults in any order; and wordings of them
 * that read as well and are wrong, so that the search is seen to fail.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FALSE_PROOFS, FAULTS, PAUSES } from "./rules/faults.ts";
import { type Found, Search } from "./rules/search.ts";
import { PLACES, pairAtRest } from "./rules/state.ts";
import { EARLY_END, EVERY_LEASE, LATE_END, type Lease, PATIENCE, SEEN, YIELD } from "./rules/times.ts";
import { AS_BUILT, type Wording } from "./rules/wording.ts";

/** Rule 19: a second, and what may be left of a tick. */
const TWO_OWNERS = SEEN;
/** Rule 18: the end of every lease, and the time in which the peer goes first. */
const NO_OWNER = EVERY_LEASE + YIELD;
/** Half a minute: what lasts so long, without a further fault, lasts for ever. */
const FOR_EVER = 60;

// Each search ends by its own count; how long that takes on a busy machine says nothing.
setDefaultTimeout(300_000);

interface Trial {
  readonly wording?: Partial<Wording>;
  readonly lease?: Lease;
  readonly two?: number;
  readonly none?: number;
  readonly faults?: typeof FAULTS;
  readonly budget: number;
}

function search({
  wording,
  lease = LATE_END,
  two = TWO_OWNERS,
  none = NO_OWNER,
  faults = FAULTS,
  budget,
}: Trial): Found {
  return new Search({
    rules: { wording: { ...AS_BUILT, ...wording }, lease },
    limits: { two, none },
    faults,
    budget,
    starts: PLACES.map((place) => pairAtRest(place, lease.kernel)),
  }).run();
}

function only(...names: readonly string[]): typeof FAULTS {
  return names.map((name) => {
    const fault = [...FAULTS, ...FALSE_PROOFS].find((candidate) => candidate.name === name);
    if (fault === undefined) throw new RangeError(`no fault is called ${name}`);
    return fault;
  });
}

describe("two routers that keep the rules", () => {
  test("are never both owners for long, nor is nobody, nor do roles change for ever: four faults", () => {
    const { finding, states } = search({ budget: 4 });
    expect(finding).toBeUndefined();
    // Far fewer would be a search that does not get anywhere.
    expect(states).toBeGreaterThan(500_000);
  });

  test("nor where leases end as early as they can: three faults", () => {
    expect(search({ budget: 3, lease: EARLY_END }).finding).toBeUndefined();
  });

  test("nor where a machine is paused and wakes as if nothing had happened: three faults", () => {
    expect(search({ budget: 3, faults: [...FAULTS, ...PAUSES] }).finding).toBeUndefined();
  });

  test("are both owners for three seconds more where one believes a false proof", () => {
    const wires = FAULTS.filter(({ name }) => /^(heartbeats|frames) /.test(name));
    const found = search({ budget: 4, two: PATIENCE + SEEN, faults: [...wires, ...FALSE_PROOFS] });
    expect(found.finding).toBeUndefined();
    expect(found.longestTwo).toBeGreaterThan(TWO_OWNERS);
  });
});

/** Each would do as a sentence, and fails. */
const WORSE: readonly (Trial & { readonly name: string; readonly wording: Partial<Wording>; readonly ends: string })[] =
  [
    {
      name: "nobody looks for a second owner",
      wording: { givesWay: "never" },
      faults: only("heartbeats both ways", "frames both ways"),
      budget: 3,
      ends: `two live owners for more than ${FOR_EVER} ticks`,
    },
    {
      name: "the backup steps down where it took by silence",
      wording: { givesWay: "if it is the backup and took by silence" },
      faults: only("heartbeats both ways", "frames both ways"),
      budget: 3,
      ends: `two live owners for more than ${FOR_EVER} ticks`,
    },
    {
      name: "whoever took by silence steps down",
      wording: { givesWay: "if it took by silence", yields: false, backupWaits: false },
      faults: only("heartbeats both ways", "frames both ways", "frames from primary", "frames from backup"),
      budget: 4,
      ends: "roles change for ever",
    },
    {
      name: "who stepped down takes again at once",
      wording: { yields: false },
      faults: only("heartbeats both ways", "frames both ways", "frames from primary", "frames from backup"),
      budget: 4,
      ends: "roles change for ever",
    },
    {
      name: "heartbeats that count settle it, whoever hears them",
      wording: { watchesHeardRival: false },
      two: TWO_OWNERS,
      faults: only("heartbeats from backup", "frames from primary"),
      budget: 3,
      ends: `two live owners for more than ${TWO_OWNERS} ticks`,
    },
    {
      name: "proof is kept from an earlier tenure",
      wording: { provesEachTenure: false },
      two: TWO_OWNERS,
      faults: only("heartbeats both ways", "frames both ways", "every frame at primary"),
      budget: 5,
      ends: `two live owners for more than ${TWO_OWNERS} ticks`,
    },
    {
      name: "both may have proof and stay",
      wording: { hasPatience: false },
      faults: only("heartbeats both ways", "frames both ways", "false proof at backup", "false proof at primary"),
      budget: 4,
      ends: `two live owners for more than ${FOR_EVER} ticks`,
    },
  ];

describe("the search finds what is wrong where", () => {
  for (const { name, ends, ...trial } of WORSE) {
    test(name, () => {
      expect(search({ two: FOR_EVER, none: FOR_EVER, ...trial }).finding?.problem).toBe(ends);
      // The same faults do nothing to the rules as they are.
      const { wording: _, ...asBuilt } = trial;
      expect(search({ two: FOR_EVER, none: FOR_EVER, ...asBuilt }).finding).toBeUndefined();
    });
  }
});
