import { describe, expect, test } from "bun:test";
import type { CheckReport, ServiceView } from "../../../../src/balance/servers/check-report.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { outlook, transitionWords } from "../../../../src/daemon/status/next-step.ts";
import { currentWarnings, type WarningFacts } from "../../../../src/daemon/status/warnings.ts";
import { nothingCompared } from "../../../../src/failover/evidence/config-drift.ts";
import { gateDigest } from "../../../../src/failover/evidence/gate-evidence.ts";
import { createState } from "../../../../src/failover/failover.ts";
import { TRANSITION_REASONS } from "../../../../src/failover/machine/history.ts";
import { NO_ADDRESSES, vipKey } from "../../../../src/failover/machine/lease.ts";
import type { FailoverSettings } from "../../../../src/failover/machine/settings.ts";
import type { State } from "../../../../src/failover/machine/state.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";
import type { GateState, HeartbeatPayload } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { PAIR_ID, PAYLOAD } from "../../../support/heartbeats.ts";
import { prefixOf } from "../../../support/must.ts";
import { NO_TROUBLE, RELOADED } from "../../../support/upkeep.ts";
import { BASE } from "../../config/base.ts";

const NOW_MS = 100_000;

function baseConfig() {
  const result = parseConfig(BASE);
  if (!result.ok) throw new Error("the base file is not valid");
  return result.config;
}

const CONFIG = baseConfig();
const FINGERPRINT = "00000000000000aa";
const VIP: IpAddress = prefixOf("203.0.113.10/24").address;

const SETTINGS: FailoverSettings = {
  router: "primary",
  pairId: PAIR_ID,
  intervalMs: 200,
  deadAfterMs: 1_000,
  leaseMs: 3_000,
  failback: "automatic",
  stop: "release",
  vips: CONFIG.vips.map((vip) => ({ vip, side: "public" })),
  services: [{ name: "web", patienceMs: 9_000 }],
  views: "warn",
  hasServices: true,
  configFingerprint: FINGERPRINT,
  software: "0.1.0",
  failbackStableMs: 30_000,
};

const FACTS: WarningFacts = {
  config: CONFIG,
  interfaces: { public: "eth0", private: "eth1" },
  software: "0.1.0",
  configWarnings: [],
  checks: [],
  views: [],
  gates: [],
  balancerAnswers: true,
  upkeep: NO_TROUBLE,
  reload: RELOADED,
  nowMs: NOW_MS,
};

const SINCE = { sinceMs: 2_000, carrierSinceMs: { public: 0, private: 0 } };
const SIDE = { carrier: true, carrierSinceMs: 0, askable: true, lastFrameAtMs: NOW_MS - 5 };
const SAYS: HeartbeatPayload = {
  ...PAYLOAD,
  sides: { public: { carrier: true, frameAgeMs: 5 }, private: { carrier: true, frameAgeMs: 5 } },
};

/** The active primary of a healthy pair. */
function healthy(): State {
  const state = createState({ settings: SETTINGS, seed: "ab".repeat(32), nowMs: 0 });
  const path = {
    ...state.session.paths.public,
    acceptedAtMs: NOW_MS - 100,
    bothWaysAtMs: NOW_MS - 100,
  };
  return {
    ...state,
    term: 3,
    lastActiveTerm: 3,
    phase: { kind: "active", sinceMs: 1_000, reason: "peer-silent" },
    sides: { public: SIDE, private: SIDE },
    session: { ...state.session, paths: { public: path, private: path } },
    peer: { heardAtMs: NOW_MS - 100, ...SINCE, says: SAYS },
    table: { complete: true, services: 1, servers: 2, serversUp: 2 },
    addresses: {
      ...state.addresses,
      possible: new Map(CONFIG.vips.map((vip) => [vipKey(vip), vip])),
      confirmed: new Set(CONFIG.vips.map(vipKey)),
    },
  };
}

function saying(says: Partial<HeartbeatPayload>): Partial<State> {
  return { peer: { heardAtMs: NOW_MS - 100, ...SINCE, says: { ...SAYS, ...says } } };
}

/** The peer says of its gate this, and lists no VIP. */
function fitness(state: GateState): NonNullable<HeartbeatPayload["fitness"]> {
  return { vips: [], defaultRoutes: [], gates: [{ digest: gateDigest("proxy"), state }] };
}

/** The peer has another configuration, and all of it is compared. */
function drifted(names: readonly string[], differing: readonly number[], missing: number): Partial<State> {
  const settingDigests = names.map((name, id) => ({ name, place: id, id, values: [0] }));
  const drift = { ...nothingCompared("00000000000000bb"), compared: [{ from: 0, to: 0xffff_ffff }] };
  return {
    ...saying({ configFingerprint: "00000000000000bb" }),
    settingDigests,
    drift: { ...drift, differing, missing },
  };
}

const SILENT: Partial<State> = { peer: { heardAtMs: NOW_MS - 12_000, ...SINCE, says: SAYS } };
const STANDBY: Partial<State> = { phase: { kind: "standby", sinceMs: 1_000 }, addresses: NO_ADDRESSES };

function withPaths(
  change: (path: State["session"]["paths"]["public"]) => Partial<State["session"]["paths"]["public"]>,
): Partial<State> {
  const { session } = healthy();
  return {
    session: {
      ...session,
      paths: { ...session.paths, private: { ...session.paths.private, ...change(session.paths.private) } },
    },
  };
}

const VERIFICATION = { id: 1, sinceMs: 1_000, round: 9, answers: {}, done: true };
const QUERY = {
  sinceMs: 1,
  attempt: 9,
  askedAtMs: NOW_MS,
  unanswered: 0,
  answered: 9,
  firstAnswerAtMs: NOW_MS - 9_000,
  ownAnswered: [],
  absentRounds: 0,
  unansweredSeeing: 0,
};

const CONFLICT = { address: VIP, mac: "02:00:00:00:00:09" as MacAddress, sinceMs: 1_000, seenAtMs: NOW_MS };

describe("currentWarnings()", () => {
  test("has nothing to say about a healthy pair", () => {
    expect(currentWarnings(healthy(), FACTS)).toEqual([]);
  });

  test.each<[string, Partial<State>, readonly string[]]>([
    [
      "a lost path",
      withPaths(() => ({ acceptedAtMs: NOW_MS - 4_000, bothWaysAtMs: NOW_MS - 4_200 })),
      ["the private path (eth1) has been down for 4.2s"],
    ],
    [
      "a path that works one way",
      withPaths(() => ({ bothWaysAtMs: NOW_MS - 4_200 })),
      ["the private path (eth1) works one way only: lvs2 is heard there, but does not hear this router"],
    ],
    [
      "a cable that is out",
      { sides: { public: SIDE, private: { ...SIDE, carrier: false, carrierSinceMs: NOW_MS - 3_000 } } },
      ["no carrier on the private side (eth1) for 3s"],
    ],
    [
      "a side where nobody is seen",
      { sides: { public: SIDE, private: { ...SIDE, lastFrameAtMs: NOW_MS - 9_000 } } },
      ["nobody is seen on the private side (eth1): no frame, no neighbour's answer"],
    ],
    ["a dead peer", SILENT, ["lvs2 has been silent on all paths for 12s: there is nobody to take over"]],
    [
      "a standby whose peer is dead",
      { ...SILENT, ...STANDBY },
      [
        "no router is known to be active, and lvs2 is not heard",
        "lvs2 has been silent on all paths for 12s: there is nobody to take over",
      ],
    ],
    ["two that are standby", STANDBY, ["no router is active"]],
    [
      "two that are active",
      saying({ role: "active", term: 4 }),
      ["both routers are active: lvs2 says so too, in term 4"],
    ],
    [
      "another configuration",
      saying({ configFingerprint: "00000000000000bb" }),
      [
        "the routers have different configurations: fingerprint 00000000000000bb there, 00000000000000aa here: compare `tandem config show` on both",
      ],
    ],
    [
      "a setting that the peer has otherwise, and one that only it has",
      drifted(["pair.lease", "pair.port"], [0], 1),
      [
        "the routers have different configurations: pair.lease, and 1 that only lvs2 has: compare `tandem config show` on both",
      ],
    ],
    [
      "settings that only the peer has",
      drifted([], [], 2),
      ["the routers have different configurations: 2 that only lvs2 has: compare `tandem config show` on both"],
    ],
    [
      "very many settings that differ, a service as a whole",
      drifted(["service a: listen", "service a: check", "b", "c", "d", "e", "f"], [6, 5, 4, 3, 2, 1, 0], 3),
      [
        "the routers have different configurations: service a, b, c and 3 more, and 3 that only lvs2 has: compare `tandem config show` on both",
      ],
    ],
    ["another version", saying({ software: "0.2.0" }), ["lvs2 runs tandem 0.2.0, this router 0.1.0"]],
    ["a peer that could not take over", saying({ ready: false }), ["lvs2 could not take over now"]],
    [
      "a peer without a cable",
      saying({ ready: false, sides: { ...SAYS.sides, public: { carrier: false } } }),
      ["lvs2 could not take over now: no carrier on its public side"],
    ],
    [
      "a peer whose gate fails, by its name",
      {
        ...saying({ ready: false, fitness: fitness("failing") }),
        gates: [{ name: "proxy", state: "failing", sinceMs: 0, effect: "hand-over" }],
      },
      ["lvs2 could not take over now: its gate proxy fails"],
    ],
    [
      "a peer that is the worse place for a gate",
      {
        ...saying({ ready: false, fitness: fitness("failing") }),
        gates: [{ name: "proxy", state: "passing", sinceMs: 0, effect: "hand-over" }],
      },
      ["lvs2 could not take over now: gate proxy fails there and passes here"],
    ],
    [
      "a takeover that nobody confirmed",
      { verification: { ...VERIFICATION, missing: ["public"] } },
      ["takeover not verified: no neighbour answered an echo request from the VIPs"],
    ],
    [
      "a takeover confirmed on one side only",
      { verification: { ...VERIFICATION, missing: ["public"], confirmedBy: { by: VIP, elapsedMs: 1 } } },
      ["takeover not verified on the public side: no neighbour answered there"],
    ],
    [
      "a conflict",
      { conflicts: [{ ...CONFLICT, seenAtMs: NOW_MS - 20_000 }] },
      ["another machine (02:00:00:00:00:09) answered for 203.0.113.10: find it and take it away"],
    ],
    [
      "VIPs that somebody removes",
      { addresses: { ...healthy().addresses, guardedAtMs: [NOW_MS - 70_000, NOW_MS - 2_000, NOW_MS - 1_000] } },
      ["somebody else removed VIPs 2 times within the last minute; they were put back"],
    ],
    [
      "held",
      { hold: true },
      ["fail-back is held by an operator; `tandem failover hold --end` on either router ends that"],
    ],
    [
      "held over there",
      saying({ hold: true }),
      ["fail-back is held by an operator; `tandem failover hold --end` on either router ends that"],
    ],
    [
      "released over there",
      saying({ abstaining: true, ready: false }),
      ["lvs2 was released by an operator: it takes nothing by itself until `tandem failover take` there"],
    ],
    [
      "released here",
      { ...STANDBY, ...saying({ role: "active", vips: [{ address: VIP, held: true }] }), abstaining: true },
      ["this router was released by an operator: it takes nothing by itself until `tandem failover take`"],
    ],
    [
      "an active peer without a VIP",
      { ...STANDBY, ...saying({ role: "active", vips: [{ address: VIP, held: false }] }) },
      ["no router has 203.0.113.10 (eth0)", "lvs2 is active without 203.0.113.10"],
    ],
  ])("tells of %s", (_name, change, warnings) => {
    expect(currentWarnings({ ...healthy(), ...change }, FACTS)).toEqual(warnings);
  });

  test("says why packets of a peer that was never heard do not count", () => {
    const { peer: _, ...unheard } = healthy();
    const { session } = unheard;
    const path = { ...session.paths.public, refusedAtMs: { "bad-mac": NOW_MS - 200, "no-echo": NOW_MS - 200 } };
    const state = { ...unheard, session: { ...session, paths: { public: path, private: path } } };
    expect(currentWarnings(state, FACTS)).toEqual([
      "lvs2 was never heard by this daemon; heartbeats rejected: bad signature (another key_file?)",
    ]);
  });

  test("does not blame the key for the silence of a peer whose refused packets came long before", () => {
    const { session } = healthy();
    const path = { ...session.paths.public, refusedAtMs: { "bad-mac": NOW_MS - 60_000 } };
    const state = { ...healthy(), ...SILENT, session: { ...session, paths: { public: path, private: path } } };
    expect(currentWarnings(state, FACTS).join()).not.toContain("key");
  });

  test("says what helps where the silent peer's kernel still has the VIPs", () => {
    const [first] = currentWarnings(
      { ...healthy(), ...SILENT, ...STANDBY, query: { ...QUERY, standoff: true } },
      FACTS,
    );
    expect(first).toBe(
      "lvs2 is silent, but its kernel has answered for the VIPs for 9s: heartbeats filtered, another key, or VIPs that are no leases; `tandem failover take --force` takes them all the same",
    );
  });

  test("names servers that are down or drained once, however many addresses their service listens on", () => {
    const check: CheckReport = {
      service: "web",
      listen: "tcp://203.0.113.10:80",
      server: "10.0.0.11:80",
      forward: "nat",
      verdict: "down",
      drained: false,
    };
    const drained: CheckReport = { ...check, server: "10.0.0.12:80", drained: true };
    const checks = [check, { ...check, listen: "tcp://203.0.113.10:443" }, drained];
    const views: readonly ServiceView[] = [
      { service: "web", up: 0, down: 2, unknown: 0, configured: 2, work: "last-good" },
    ];
    expect(currentWarnings(healthy(), { ...FACTS, checks, views })).toEqual([
      "web: all its servers failed at once, so those that were good last keep the work",
      "web: 10.0.0.11:80 is down",
      "web: 10.0.0.12:80 is drained by an operator",
    ]);
  });

  test("tells of connections that the standby does not know, once it was told of all", () => {
    const sync = { wanted: 50, present: 40, fullSync: true, working: false, lastFullSync: null, failure: null };
    const of = (more: Partial<typeof sync> | { failure: string }, change: Partial<State> = {}) =>
      currentWarnings({ ...healthy(), ...change }, { ...FACTS, sync: { ...sync, ...more } });
    expect(of({})).toEqual([
      "lvs2 knows only 40 of 50 connections, though it was told of all: a failover breaks the rest; is UDP to 224.0.0.81, port 8848, filtered there?",
    ]);
    expect([of({ present: 50 }), of({ fullSync: false }), of({ working: true }), of({}, STANDBY)]).toEqual([
      [],
      [],
      [],
      ["no router is active"],
    ]);
    expect(of({ failure: "there is no interface eth1" })).toEqual([
      "connections cannot be read or told to lvs2: there is no interface eth1",
    ]);
  });

  test("tells what the services lack of IPVS before what follows from it", () => {
    const lack = "the kernel has no IPVS, so nothing is balanced here: it is not loaded yet";
    expect(currentWarnings(healthy(), { ...FACTS, balancerAnswers: false, ipvsWarnings: [lack] })).toEqual([
      lack,
      "the balancer does not answer: the kernel's table goes on as it is, without checks, until it is back",
    ]);
  });

  test("tells what the firewall drops", () => {
    const drops = "the firewall drops heartbeats";
    expect(currentWarnings(healthy(), { ...FACTS, firewallWarnings: [drops] })).toEqual([drops]);
  });

  test("tells of gates that fail, and of no others", () => {
    const gates = [
      { name: "proxy", state: "failing", sinceMs: NOW_MS - 12_000, effect: "hand-over", detail: "refused" },
      { name: "uplink", state: "unknown", sinceMs: 0, effect: "warn" },
      { name: "disk", state: "passing", sinceMs: 0, effect: "warn" },
    ] as const;
    expect(currentWarnings(healthy(), { ...FACTS, gates })).toEqual(["gate proxy has failed for 12s: refused"]);
  });

  test("says of a balancer that has only gates what its silence means", () => {
    const config = { ...CONFIG, services: [] };
    expect(currentWarnings(healthy(), { ...FACTS, config, balancerAnswers: false })).toEqual([
      "the balancer does not answer: until it is back no gate is known",
    ]);
  });

  test("tells of a balancer that ends again and again, instead of its silence", () => {
    const balancerRestlessness = "3 times in a row, soon after its start (the last time: ended with status 1)";
    expect(currentWarnings(healthy(), { ...FACTS, balancerAnswers: false, balancerRestlessness })).toEqual([
      "the balancer ended 3 times in a row, soon after its start (the last time: ended with status 1): " +
        "checks begin anew each time, what is in the kernel's table stays",
    ]);
  });

  test("tells of a balancer that does not answer, and ends with what the file itself gave rise to", () => {
    const facts = { ...FACTS, balancerAnswers: false, configWarnings: ["tandem.toml:3: a warning"] };
    expect(currentWarnings(healthy(), facts)).toEqual([
      "the balancer does not answer: the kernel's table goes on as it is, without checks, until it is back",
      "tandem.toml:3: a warning",
    ]);
  });
});

describe("outlook()", () => {
  const backup: Partial<State> = { settings: { ...SETTINGS, router: "backup" } };
  test.each<[string, Partial<State>, string]>([
    ["an active primary", {}, "stays active; lvs2 is ready to take over"],
    ["an active alone", SILENT, "stays active; lvs2 is not there to take over"],
    [
      "an active backup whose primary is stable",
      { ...backup, failback: { stableMs: 30_000, readySinceMs: NOW_MS - 18_000 } },
      "gives the VIPs back to lvs1 in 12s, if it stays ready until then",
    ],
    [
      "an active backup under a hold",
      { ...backup, hold: true },
      "stays active: fail-back is held; `tandem failover switch` gives the VIPs back to lvs1",
    ],
    ["a standby", { ...STANDBY, ...saying({ role: "active" }) }, "takes over when lvs2 is silent on both paths for 1s"],
    ["a released standby", { ...STANDBY, abstaining: true }, "this router stays standby until `tandem failover take`"],
    [
      "a standing off",
      { ...STANDBY, ...SILENT, query: { ...QUERY, standoff: true } },
      "takes over when lvs2's kernel no longer answers for the VIPs",
    ],
  ])("of %s", (_name, change, text) => {
    expect(outlook({ ...healthy(), ...change }, CONFIG, NOW_MS)).toBe(text);
  });
});

test("transitionWords() has words of its own for each reason and direction", () => {
  const words = TRANSITION_REASONS.map((reason) => transitionWords(reason, "active"));
  expect(new Set(words).size).toBe(TRANSITION_REASONS.length);
  expect(transitionWords("handed-over", "standby")).toBe("handed over to the peer");
});
