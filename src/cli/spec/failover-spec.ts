/** The command table's entries of `failover`. */
import { CHANGES_OR_RESULT_JSON, RESULT_JSON } from "./json-shapes.ts";
import { type GroupSpec, switchFlag, valueFlag, verb } from "./spec-types.ts";
import { file, integer, leaseSeconds, positiveDuration } from "./value-kinds.ts";

export const failoverStatus = verb({
  summary: "show who is active, why, and what would happen next",
  arguments: {},
  flags: {},
  examples: [{ command: "failover status", doc: "the roles in a few lines" }],
  uses: ["runtimeDir"],
  changes: false,
  jsonDoc:
    "{version, router, peer, paths, vips, gates, alarms, warnings, transitions} as status has them; the last transition only",
  exit3: "no router is active, or both are, or an alarm stands",
});

export const failoverSwitch = verb({
  summary: "hand the VIPs over to the other router, without losing a connection",
  description: [
    "A planned move: the other router must be ready; it takes the VIPs and announces them before this one drops them. Can be asked on either router.",
    "Before that its kernel is told of every connection, and asked what it knows. That is waited for, for 48 seconds at most; the command says what it waited for, and failover history how many connections were known.",
    "It says too for how long both routers had the VIPs, by this router's clock: then there was no gap, unless it says that no neighbour confirmed the other router's traffic. What clients see is what failover drill measures.",
  ],
  arguments: {},
  flags: {},
  examples: [{ command: "failover switch", doc: "before maintenance of the active router" }],
  uses: ["runtimeDir"],
  changes: true,
  jsonDoc: "{version, dryRun, result}",
  exit3: "the other router is not ready",
});

export const failoverTake = verb({
  summary: "make this router active",
  description: [
    "With a daemon: it takes over after asking whether the peer still has the VIPs. Without one: adds and announces the VIPs of the configuration, unless another machine answers for one of them; they stay until they are released, or for the time of --lease.",
    "A peer that is not heard cannot be asked: where its kernel still answers for the VIPs, or its heartbeats are seen and do not count, take says so at once. With --force this router takes them all the same; then both have them until they hear each other, and the one whose term is higher keeps them: as a rule the one that took last.",
  ],
  arguments: {},
  flags: {
    force: switchFlag("take them even though the peer answers for them"),
    lease: valueFlag(leaseSeconds, {
      valueName: "TIME",
      defaultText: "forever",
      doc: "without a daemon: the kernel drops the VIPs after this time; take again renews",
    }),
  },
  examples: [
    { command: "failover take", doc: "by hand, with or without a daemon" },
    { command: "failover take --lease 10m", doc: "for ten minutes, without a daemon" },
  ],
  uses: ["config", "runtimeDir"],
  changes: true,
  jsonDoc: CHANGES_OR_RESULT_JSON,
  exit3: "another machine answers for a VIP",
});

export const failoverRelease = verb({
  summary: "make this router standby: give up its VIPs",
  description: [
    "With a daemon: hands over to the peer where that is heard; else gives up the VIPs, and takes none by itself until failover take, or until the peer has had them. From then on it is an ordinary standby, which takes over when the peer fails.",
    "Without a daemon: removes the VIPs of the configuration.",
  ],
  arguments: {},
  flags: {},
  examples: [{ command: "failover release", doc: "by hand, with or without a daemon" }],
  uses: ["config", "runtimeDir"],
  changes: true,
  jsonDoc: CHANGES_OR_RESULT_JSON,
});

export const failoverHold = verb({
  summary: "forbid automatic fail-back until told otherwise",
  description: [
    "The VIPs stay where they are when the primary returns. A failure still moves them: a router that is dead, cut off or told to stop. Held on one router is held on both; the hold outlives a restart.",
  ],
  arguments: {},
  flags: { end: switchFlag("allow automatic fail-back again") },
  examples: [
    { command: "failover hold", doc: "the VIPs stay when the primary returns" },
    { command: "failover hold --end", doc: "back to normal" },
  ],
  uses: ["runtimeDir"],
  changes: true,
  jsonDoc: RESULT_JSON,
});

export const failoverDrill = verb({
  summary: "switch there and back and measure what a client would notice",
  description: [
    "Two planned moves, the second back to where it began. All the while this router sends echo requests to every VIP (one every 5 ms) and opens connections to every TCP service (one every 20 ms), as a client beside it would. It says for each how many were lost, why connections were, and the longest time without an answer. A gap longer than --max-gap that is no longer than the probe's own pause says nothing: then it cannot be judged.",
    "Its moves are an operator's: where the VIPs were to go back to the primary by themselves they stay, which it says before it begins.",
    "For a rehearsal at set times from cron: exit code 3 when a connection was lost, a gap was longer than --max-gap, or that cannot be judged.",
  ],
  arguments: {},
  flags: {
    pause: valueFlag(positiveDuration, { valueName: "TIME", defaultText: "5s", doc: "time on the other router" }),
    maxGap: valueFlag(positiveDuration, {
      valueName: "TIME",
      defaultText: "1s",
      doc: "the longest time without an answer that is still good",
    }),
    svg: valueFlag(file, { valueName: "FILE", doc: "write the timeline as a picture" }),
  },
  examples: [
    { command: "failover drill", doc: "a rehearsal" },
    { command: "failover drill --max-gap 100ms --svg /tmp/drill.svg", doc: "a strict one, with a picture" },
  ],
  uses: ["config", "runtimeDir"],
  changes: true,
  jsonDoc:
    "{version, dryRun, good, maxGapMs, switches: [{from, to, elapsedMs}], streams: [{target, kind, good, sent, lost, lostBecause: [{reason, times}], longestGapMs, longestPauseMs, slowestMs}], skipped, endedFailback}; kind is echo or connection; good is null where the own probes paused for longer than the limit; endedFailback says whether the VIPs were to go back to the primary by themselves, null where only the other router could tell",
  exit3: "no switch was possible, a client noticed, or it cannot be judged",
});

export const failoverHistory = verb({
  summary: "show past transitions, each with what led to it",
  description: [
    "Those of former processes too. Where no daemon answers, they are read from the state directory, and a note says so.",
  ],
  arguments: {},
  flags: { limit: valueFlag(integer(1, 1000), { valueName: "N", defaultText: "10", doc: "how many, newest first" }) },
  examples: [{ command: "failover history --limit 1", doc: "what happened last, and why" }],
  uses: ["runtimeDir", "stateDir"],
  changes: false,
  jsonDoc: "{version, transitions: [{at, agoMs, from, to, term, why, chain: [{beforeMs, what}]}]}",
});

export const failover = {
  kind: "group",
  name: "failover",
  summary: "the roles of the two routers: status, switch, take, release, hold",
  verbs: {
    status: failoverStatus,
    switch: failoverSwitch,
    take: failoverTake,
    release: failoverRelease,
    hold: failoverHold,
    drill: failoverDrill,
    history: failoverHistory,
  },
} satisfies GroupSpec;
