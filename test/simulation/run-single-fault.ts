/** Runs one fault from one seed and says what was wrong. */
import { Checkers, isServed, longestMs } from "./checkers.ts";
import { Random } from "./random.ts";
import type { Machine } from "./router-host.ts";
import type { SingleFault } from "./single-faults.ts";
import { ROUTERS, World } from "./world.ts";

export interface Run {
  readonly problems: readonly string[];
  readonly lines: readonly string[];
}

/** Long enough for a fail-back after 30 s of stability, and the rest after it. */
const REST_MS = 45_000;
/** `dead_after`, and the time of a planned move. */
const UNFIT_MS = 1_000 + 300;
/** The kernel's event, the decision and the removal. */
const CUT_OFF_MS = 20;
/** Heartbeats, renewals, evidence and asking together: a loop that spins would need far more. */
const WAKES_PER_SECOND = 400;

export function runSingleFault(fault: SingleFault, seed: number, machine: Machine): Run {
  const checkers = new Checkers();
  const random = new Random(seed);
  const { settings = {} } = fault;
  const { watcher } = checkers;
  const world = new World({ random, machine, settings, watcher, observe: (seen) => checkers.observe(seen) });
  world.hosts.primary.start();
  world.run(random.between(0, 300));
  world.hosts.backup.start();
  world.run(random.between(4_000, 6_000));
  const problems: string[] = [];
  const before = checkers.unsettled(world).map((problem) => `before the fault: ${problem}`);
  const { primary: a, backup: b } = world.hosts;
  if (a.role !== "active") before.push("before the fault: the primary is not active");
  const markMs = world.clock.now;
  const startedWith = checkers.transitions.length;
  const wakesBefore = checkers.wakes.primary + checkers.wakes.backup;

  world.log(`--- ${fault.name}`);
  fault.apply(world, a, b);
  if (fault.mend !== undefined) {
    world.run(fault.mendAfterMs ?? 0);
    fault.mend(world, a, b);
  }
  world.run(REST_MS);

  const now = world.clock.now;
  const bound = (what: string, longest: number, allowed: number) => {
    if (longest > allowed) problems.push(`${what} for ${longest.toFixed(1)} ms, allowed are ${allowed}`);
  };
  bound("a VIP was not served", longestMs(checkers.unserved.after(markMs, now)), fault.unservedMs);
  bound("two owners", longestMs(checkers.twoOwners.after(markMs, now)), fault.twoOwnersMs);
  for (const router of ROUTERS) {
    const unfitMs = longestMs(checkers.unfitActive[router].after(markMs, now));
    bound(`${router} stayed active though it could not serve`, unfitMs, UNFIT_MS);
  }
  bound("no owner", longestMs(checkers.noOwner.after(markMs, now)), fault.noOwnerMs);
  for (const router of ROUTERS) {
    bound(`${router} kept VIPs without a cable`, longestMs(checkers.cutOff[router].after(markMs, now)), CUT_OFF_MS);
  }
  const changes = checkers.transitions.length - startedWith;
  if (changes > fault.transitions) problems.push(`${changes} changes of role, allowed are ${fault.transitions}`);
  const wakes = (checkers.wakes.primary + checkers.wakes.backup - wakesBefore) / ((now - markMs) / 1_000);
  if (wakes > WAKES_PER_SECOND) problems.push(`the loops woke ${wakes.toFixed(0)} times a second`);
  problems.push(...before, ...checkers.problems, ...checkers.flapping());
  problems.push(...checkers.unannounced(world), ...checkers.unsettled(world), ...checkers.unshared(world));
  const last = fault.ends === "b" ? b : a;
  const isActive = last.role === "active" || (fault.ends === "either" && b.role === "active");
  if (!isActive) problems.push(`at the end the ${last.router} is not active`);
  if (!isServed(world)) problems.push("at the end a neighbour is not served");
  return { problems, lines: world.lines };
}
