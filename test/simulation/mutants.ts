/** Deliberate bugs, each a change of the sources' text, and the run that must catch it. */
import type { Edit } from "./mutant-sources.ts";

export interface Mutant {
  /** What the program does wrongly. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** A single fault by its name, or a weather. */
  readonly caughtBy: string;
  /** Where it shows by chance only: seeds that are tried first, so that the test is quick. */
  readonly seeds?: readonly number[];
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "takes without asking the peer's kernel",
    edits: [
      [
        "owner-query.ts",
        "return hadTime >= unansweredNeeded(query) && nowMs >= heardEnoughAtMs(state);",
        "return hadTime > -2;",
      ],
    ],
    caughtBy: "daemon of the active killed",
  },
  {
    name: "asks, but takes an answer for silence",
    edits: [["owner-query.ts", "      unanswered: 0,\n      unansweredSeeing: 0,\n      absentRounds: 0,\n", ""]],
    caughtBy: "daemon of the active killed",
  },
  {
    name: "renews its leases too late",
    edits: [["lease.ts", "Math.min(turn.state.timing.renewEveryMs, validMs / 3)", "validMs * 1.3"]],
    caughtBy: "planned switch",
  },
  {
    name: "does not obey a higher term",
    edits: [["rivals.ts", "return says.lastActiveTerm > mine || (", "return (says.lastActiveTerm < 0) || ("]],
    caughtBy: "one-way cut of both paths",
  },
  {
    name: "compares the terms that the routers know instead of those of their tenures",
    edits: [
      ["rivals.ts", "const mine = state.lastActiveTerm;", "const mine = state.term;"],
      [
        "rivals.ts",
        "return says.lastActiveTerm > mine || (says.lastActiveTerm === mine",
        "return says.term > mine || (says.term === mine",
      ],
    ],
    caughtBy: "planned switch on a slow network",
  },
  {
    name: "takes an older packet of the slower path for news",
    edits: [["peer.ts", "return payload.sendNumber < known.sendNumber;", "return payload.sendNumber < 0;"]],
    caughtBy: "planned switch, the private path being slower than the public one",
  },
  {
    name: "forgets the second announcement",
    edits: [["announce.ts", "      againAtMs: turn.now + ANNOUNCE_AGAIN_MS,\n", ""]],
    caughtBy: "active switched off",
  },
  {
    name: "does not announce at all",
    edits: [
      [
        "announce.ts",
        'export function startAnnouncing(turn: Turn): void {\n  turn.emit({ kind: "announce", vips: confirmedVips(turn.state), unicast: true });\n',
        "export function startAnnouncing(turn: Turn): void {\n",
      ],
    ],
    caughtBy: "active switched off",
  },
  {
    name: "calls its sides blind after it slept",
    edits: [
      ["side-evidence.ts", "lastSeenAtMs(state.sides[side]), state.awakeSinceMs)", "lastSeenAtMs(state.sides[side]))"],
    ],
    caughtBy: "daemon of the active frozen for 1000 ms",
  },
  {
    name: "takes on old evidence although it is blind now",
    edits: [
      ["side-evidence.ts", "  if (isAlone(state, nowMs)) return false;\n  return PATHS.some", "  return PATHS.some"],
      ["side-evidence.ts", "return isFine(state, name, nowMs) && (", "return nowMs > 0 && side.carrier && ("],
      ["owner-query.ts", "Math.max(sinceMs, nowMs - seenWithinMs(state.settings))", "sinceMs"],
    ],
    caughtBy: "the routers have different keys, and later no frame passes at the standby's ports for 20 s",
  },
  {
    name: "drops the VIPs as soon as the peer accepts",
    edits: [
      [
        "planned-move.ts",
        'if (word.step === "refuse")',
        'if (word.step === "accept") handedOver(turn, move);\n  else if (word.step === "refuse")',
      ],
    ],
    caughtBy: "planned switch",
  },
  {
    name: "waits for the agreement's end although the peer has proved itself",
    edits: [["planned-move.ts", 'word.step === "verified" || word.step === "unverifiable"', "word.id < 0"]],
    caughtBy: "planned switch",
  },
  {
    name: "keeps the addresses when it steps down",
    edits: [
      ["role.ts", "function dropAll(turn: Turn): void {\n  remove(turn);", "function dropAll(turn: Turn): void {"],
    ],
    caughtBy: "planned switch",
  },
  {
    name: "gives the VIPs away although the peer died while it took them",
    edits: [
      [
        "planned-move.ts",
        'if (alive && peer.says.role === "active" && peer.says.lastActiveTerm > lastActiveTerm) {',
        "if (lastActiveTerm >= 0) {",
      ],
    ],
    caughtBy: "planned switch, and the new owner is switched off while it takes",
  },
  {
    name: "does not keep the term on disk",
    edits: [["turn.ts", "        term,\n        lastActiveTerm,", "        term: 0,\n        lastActiveTerm: 0,"]],
    caughtBy: "active switched off and on again",
  },
  {
    name: "leaves a VIP that somebody removed to the next renewal",
    edits: [["effect-outcomes.ts", "renewAtMs: turn.now, ...(underWay", "...(underWay"]],
    caughtBy: "a VIP removed by hand",
  },
  {
    name: "waits for the other when both are standby",
    edits: [
      [
        "takeover.ts",
        "if (meReady && ready) return isPreferred(state) ? sinceMs : sinceMs + STANDBY_TIE_MS;",
        "if (meReady && ready) return Infinity;",
      ],
    ],
    caughtBy: "daemon of the active frozen for about its leases",
  },
  {
    name: "retakes by its old view of a peer that is deaf to it",
    edits: [
      [
        "rivals.ts",
        '  if (turn.state.peer?.says.role !== "standby") return;\n  turn.clear("peer");\n  turn.set({ listeningSinceMs: turn.now });\n',
        "",
      ],
    ],
    caughtBy: "one-way cut of both paths",
  },
  {
    name: "tells a lost carrier with the next heartbeat only",
    edits: [
      ["settings.ts", "hurryMs: Math.min(intervalMs, 20)", "hurryMs: intervalMs"],
      ["side-evidence.ts", "  turn.tell = true;\n", ""],
      [
        "planned-move.ts",
        '  turn.cause("offered", "the VIPs are offered to the peer");\n  turn.tell = true;\n',
        '  turn.cause("offered", "the VIPs are offered to the peer");\n',
      ],
    ],
    caughtBy: "public cable of the active out",
  },
  {
    name: "does not hand over when a side is blind",
    edits: [
      [
        "disadvantage.ts",
        "if (worse === undefined || atMs === undefined",
        'if (worse === undefined || worse.why.reason === "side-blind" || atMs === undefined',
      ],
    ],
    caughtBy: "public port of the active dead with its carrier up",
  },
  {
    name: "stays active with no carrier at all",
    edits: [["automatic-move.ts", "if (noCarrier || recently) {", "if (turn.now < 0) {"]],
    caughtBy: "both cables of the active out",
  },
  {
    name: "ends before its VIPs are removed",
    edits: [
      ["stop.ts", "if (isHolding(turn.state) && turn.now < removal", "if (turn.now < 0 && turn.now < removal"],
      ["stop.ts", "const FAREWELLS = 3;", "const FAREWELLS = 0;"],
    ],
    caughtBy: "active stopped by SIGTERM and started again",
  },
  {
    name: "keeps operators' orders to itself",
    edits: [["shared-orders.ts", "theirs === undefined || theirs === digest ? []", "theirs !== null ? []"]],
    caughtBy: "network",
  },
  {
    name: "forgets at a restart what operators ordered",
    edits: [["failover.ts", "restoreShared(boot.shared ?? [])", "restoreShared([])"]],
    caughtBy: "machines",
  },
  {
    name: "follows its own operators' orders only",
    edits: [["shared-orders.ts", 'if (news.some((entry) => entry.kind !== "hold")) tellOrders(turn);', ""]],
    caughtBy: "network",
  },
  {
    name: "says that it holds nothing before its kernel was read",
    edits: [["heartbeats.ts", "isHolding(state) || !isStarted(state)", "isHolding(state)"]],
    caughtBy: "daemon of the active killed and restarted at once: the VIPs are adopted",
  },
  {
    name: "leaves a second owner alone",
    edits: [
      ["foreign-addresses.ts", 'if (phase.kind !== "standby") return;', 'if (phase.kind !== "starting") return;'],
    ],
    caughtBy: "a VIP set by hand on the standby",
  },
  {
    name: "hands over to a router behind the same dead switch",
    edits: [["disadvantage.ts", "if (certain) return timing.carrierSettleMs;", "if (certain) return 0;"]],
    caughtBy: "the switch of the public side off and on again",
  },
  {
    name: "takes over although the program that is a step of it failed",
    edits: [["step-outcome.ts", 'settings.takeoverStep?.onFailure === "abort"', "turn.now < 0"]],
    caughtBy: "active switched off, and the program of the takeover fails at first",
    seeds: [4],
  },
  {
    name: "does not move back what the peer's program has moved",
    edits: [["takeover-step.ts", "if (reclaimAtMs === undefined ||", "if (reclaimAtMs !== 0 ||"]],
    caughtBy: "planned switch whose program fails although it has moved the cloud's address",
  },
  {
    name: "believes a better view at once",
    edits: [["service-views.ts", "return missed.sinceMs + patienceMs;", "return missed.sinceMs + 0 * patienceMs;"]],
    caughtBy: "a service that only the standby reaches, for a moment, with views = act",
  },
  {
    name: "gives the role back to a router that reaches less",
    edits: [["failback.ts", "if (seesMore(state)) return", "if (state.term < 0) return"]],
    caughtBy: "a service that only the standby reaches, with views = act",
  },
  {
    name: "hands over to a router that reaches other services",
    edits: [["service-views.ts", 'if (sight === "alive" && theirs[index] !== "alive") return [];', ""]],
    caughtBy: "each router reaches a service that the other does not, with views = act",
  },
  {
    name: "judges nothing on some ticks, so that its loop spins",
    edits: [["failover.ts", "new Soonest(state.tickedAtMs)", "new Soonest(-Infinity)"]],
    caughtBy: "planned switch",
  },
  {
    name: "does not wait for the end of every lease when the peer's kernel answered late",
    edits: [
      ["owner-query.ts", "isAbsenceProven(state) || nowMs >= mayLiveUntilMs(state)", "isAbsenceProven(state) || true"],
    ],
    caughtBy: "the routers have different keys, and 3000 ms later no frame passes at the active's ports for 300 ms",
  },
  {
    name: "takes silence for absence though the peer's own address is silent too",
    edits: [
      [
        "questions.ts",
        "names.includes(vip.interface) && isProvable(state, vip)",
        "names.length >= 0 && isProvable(state, vip)",
      ],
    ],
    caughtBy: "the routers have different keys, and 3000 ms later no frame passes at the active's ports for 300 ms",
  },
  {
    name: "stays when it finds a second owner, whoever was first",
    edits: [
      [
        "owner-watch.ts",
        "if (seen.rounds < SEEN_ROUNDS || lastedMs < SEEN_MS) return;",
        "if (lastedMs < Infinity) return;",
      ],
    ],
    caughtBy: "the routers have different keys, and both paths are cut between the routers for 8 s",
  },
  {
    name: "gives the VIPs up when it finds a second owner, though it was first",
    edits: [["owner-watch.ts", "isForced(turn.state) || (proven && !isLast)", "isForced(turn.state)"]],
    caughtBy: "the routers have different keys, and both paths are cut between the routers for 8 s",
  },
  {
    name: "takes the proof of one tenure into the next",
    edits: [["role.ts", "    proven: false,\n", ""]],
    caughtBy:
      "the standby was active before, the routers have different keys, and both paths are cut between the routers for 8 s",
  },
  {
    name: "does not wait for the primary where neither router knows of an owner",
    edits: [["takeover.ts", '(settings.router === "backup" && !isOwnerKnown)', "false"]],
    caughtBy: "both routers switched off and on together, with different keys",
  },
  {
    name: "gives all VIPs up when the kernel refuses one",
    edits: [
      [
        "effect-outcomes.ts",
        "} else if (leased.length === 0) {\n    noticeFailed(turn, failed);\n    abortTaking",
        "} else if (failed.length > 0) {\n    noticeFailed(turn, failed);\n    abortTaking",
      ],
    ],
    caughtBy: "active switched off, and the kernel of the standby refuses one of the VIPs for 10 s",
  },
  {
    name: "never tries a VIP again that the kernel refused",
    edits: [["refusals.ts", "retryRefusedAtMs: turn.now + RETRY_MS", "retryRefusedAtMs: Infinity"]],
    caughtBy: "active switched off, and the kernel of the standby refuses one of the VIPs for 10 s",
  },
  {
    name: "calls itself fit for a VIP whose interface is not there",
    edits: [
      [
        "fitness.ts",
        'if (report.link === undefined) return "no-interface";',
        "if (report.link === undefined) return undefined;",
      ],
    ],
    caughtBy: "third interface of the standby gone: a planned switch is refused",
  },
  {
    name: "hands over to the worse place when an operator wants it",
    edits: [
      ["takeover-readiness.ts", 'if (comparison?.better === "there") return', "if (state.term < 0) return"],
      ["operator-orders.ts", 'if (comparison.better !== "here") startMove', "if (turn.now > 0) startMove"],
    ],
    caughtBy: "public interface of the standby set down: a planned switch is refused",
  },
  {
    name: "does not mind that its own address is gone",
    edits: [["fitness.ts", 'return report.ownAddress ? undefined : "no-address";', "return undefined;"]],
    caughtBy: "the own public address of the active removed",
  },
  {
    name: "looks for silence on the sides only",
    edits: [
      [
        "fitness.ts",
        "if (sides.length > 0) return sides.some((side) => isSideSilent",
        "if (sides.length >= 0) return sides.some((side) => isSideSilent",
      ],
    ],
    caughtBy: "no frame passes at the third port of the active",
  },
  {
    name: "does not mind a lost default route",
    edits: [
      [
        "fitness.ts",
        'return hasLostRoute(state, sided.vip.prefix.address.family) ? "no-route" : undefined;',
        "return undefined;",
      ],
    ],
    caughtBy: "the default route of the active lost",
  },
  {
    name: "forgets with its role which default route it lost",
    edits: [
      [
        "fitness.ts",
        "isNewRole ? routesHad.filter((family) => hasLostRoute(turn.state, family)) : routesHad",
        "isNewRole ? [] : routesHad",
      ],
    ],
    caughtBy: "the default route of the active lost",
  },
  {
    name: "moves the VIPs for a default route that neither router has",
    edits: [
      [
        "comparison.ts",
        'why === "no-route" && !other.includes(family) ? undefined : why',
        "other.includes(family) ? why : why",
      ],
    ],
    caughtBy: "the default route of the active lost, beside a standby that never had one",
  },
  {
    name: "moves the VIPs for a gate that the peer does not have",
    edits: [
      ["gate-evidence.ts", "isDeciding(gate) && states.has(gateDigest(gate.name))", "isDeciding(gate)"],
      [
        "gate-evidence.ts",
        'states.get(gateDigest(gate.name)) === "passing").map',
        'states.get(gateDigest(gate.name)) !== "failing").map',
      ],
    ],
    caughtBy: "a gate that only the active has fails",
  },
  {
    name: "relies on a gate that has just recovered",
    edits: [
      [
        "fitness.ts",
        'state === "passing" && nowMs - sinceMs < GATE_TRUSTED_MS ? "recovering" : state',
        "nowMs < sinceMs ? state : state",
      ],
    ],
    caughtBy: "a gate of the active fails, and the standby's has just recovered",
  },
  {
    name: "does not damp moves, so that two routers that are blind by turns swap for ever",
    edits: [
      ["disadvantage.ts", "worse.why.certain || damping === undefined", "damping === undefined || settledAtMs > 0"],
    ],
    caughtBy: "no frame passes at the third port of the one router, then of the other",
  },
  {
    name: "believes an active that its VIPs are there although it does not renew them",
    edits: [["takeover.ts", '    if (turn.state.phase.kind === "standby") judgeLapsingPeer(turn);\n', ""]],
    caughtBy: "the kernel thread of the active hangs for 6000 ms",
  },
  {
    name: "offers VIPs that its kernel could not drop",
    edits: [
      ["planned-move.ts", "if (isRenewalStuck(state, nowMs)) return", "if (isRenewalStuck(state, -Infinity)) return"],
    ],
    caughtBy: "the kernel thread of the active hangs, and a switch is asked for",
  },
  {
    name: "removes a foreign VIP once, and not when it comes back",
    edits: [["foreign-addresses.ts", "    leaving: without(foreign.leaving, removed),\n", ""]],
    caughtBy: "a VIP set by hand on the standby, and again when it was removed",
  },
];
