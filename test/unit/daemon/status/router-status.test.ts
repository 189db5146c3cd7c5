import { describe, expect, test } from "bun:test";
import type { CheckReport } from "../../../../src/balance/servers/check-report.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { type StatusFacts, statusReport } from "../../../../src/daemon/status/router-status.ts";
import type { StatusReport } from "../../../../src/daemon/status/status-report.ts";
import { restoreShared } from "../../../../src/failover/evidence/shared-orders.ts";
import { createState } from "../../../../src/failover/failover.ts";
import { vipKey } from "../../../../src/failover/machine/lease.ts";
import type { State } from "../../../../src/failover/machine/state.ts";
import type { MacAddress } from "../../../../src/model/mac-address.ts";
import type { Vip } from "../../../../src/model/vip.ts";
import { configuredService, endpoint, serviceKey } from "../../../support/balance-fixtures.ts";
import { PAIR_ID, PAYLOAD } from "../../../support/heartbeats.ts";
import { prefixOf } from "../../../support/must.ts";
import { NO_TROUBLE, RELOADED } from "../../../support/upkeep.ts";
import { BASE } from "../../config/base.ts";

const NOW_MS = 100_000;
const parsed = parseConfig(BASE);
if (!parsed.ok) throw new Error("the base file is not valid");
const CONFIG = parsed.config;
const VIP: Vip = { prefix: prefixOf("203.0.113.10/24"), interface: "eth0" };

const CREATED = createState({
  settings: {
    router: "primary",
    pairId: PAIR_ID,
    intervalMs: 200,
    deadAfterMs: 1_000,
    leaseMs: 3_000,
    failback: "automatic",
    stop: "release",
    vips: [{ vip: VIP, side: "public" }],
    services: [],
    views: "warn",
    hasServices: false,
    configFingerprint: "00000000000000aa",
    software: "0.1.0",
    failbackStableMs: 30_000,
  },
  seed: "5".repeat(64),
  nowMs: 0,
});

const ACTIVE: Partial<State> = { phase: { kind: "active", sinceMs: NOW_MS - 30, reason: "operator" } };
const STANDBY: Partial<State> = { phase: { kind: "standby", sinceMs: NOW_MS - 1 } };
const HELD: State["addresses"] = { ...CREATED.addresses, possible: new Map([[vipKey(VIP), VIP]]) };
const MINE: Partial<State> = { addresses: HELD };
const WORD = { id: 7, reason: "operator" } as const;

/** The peer was heard `ms` ago and said that it holds the VIP, or that it doesn't. */
function peer(held: boolean, ms = 100): Partial<State> {
  const heardAtMs = NOW_MS - ms;
  const says = { ...PAYLOAD, vips: [{ address: VIP.prefix.address, held }] };
  return { peer: { heardAtMs, sinceMs: 0, carrierSinceMs: { public: 0, private: 0 }, says } };
}

function reportOf(...parts: readonly Partial<State>[]): StatusReport {
  return report(Object.assign({ ...CREATED }, ...parts) as State);
}

function report(state: State, facts: Partial<StatusFacts> = {}): StatusReport {
  return statusReport(state, {
    config: CONFIG,
    interfaces: { public: "eth0", private: "eth1" },
    software: "0.1.0",
    pid: 1,
    configWarnings: [],
    checks: [],
    views: [],
    gates: [],
    balancerAnswers: undefined,
    upkeep: NO_TROUBLE,
    reload: RELOADED,
    nowMs: NOW_MS,
    at: new Date(0),
    ...facts,
  });
}

function owner(...parts: readonly Partial<State>[]): string | undefined {
  return reportOf(...parts).vips[0]?.owner;
}

describe("statusReport() names the owner of a VIP", () => {
  test.each([
    ["this router, which has it", "primary", [ACTIVE, MINE, peer(false)]],
    ["this router, whose peer is silent", "primary", [ACTIVE, MINE, peer(true, 5_000)]],
    ["the peer, which says so", "backup", [STANDBY, peer(true)]],
    ["nobody, when neither has it", "nobody", [STANDBY, peer(false)]],
    ["unknown, when the peer is silent", "unknown", [STANDBY, peer(true, 5_000)]],
    ["both, when both have it without an agreement", "both", [ACTIVE, MINE, peer(true)]],
    [
      "the new owner, while the old one's last word is older than the move",
      "primary",
      [ACTIVE, MINE, peer(true), { acceptance: { word: { step: "verified", ...WORD }, heardAtMs: NOW_MS - 50 } }],
    ],
    [
      "the old owner, while this router only takes",
      "backup",
      [STANDBY, MINE, peer(true), { acceptance: { word: { step: "accept", ...WORD }, heardAtMs: NOW_MS - 1 } }],
    ],
    [
      "the new owner, once it has what this router still offers",
      "backup",
      [
        ACTIVE,
        MINE,
        peer(true),
        { move: { ...WORD, sinceMs: NOW_MS - 20, limitMs: 60_000, offeredAtMs: NOW_MS - 20 } },
      ],
    ],
    [
      "the peer, while this router's kernel is dropping it",
      "backup",
      [STANDBY, { addresses: { ...HELD, removals: [{ batch: 1, sentAtMs: NOW_MS - 1, vips: [VIP] }] } }, peer(true)],
    ],
  ] as const)("%s", (_case, expected, parts) => {
    expect(owner(...parts)).toBe(expected);
  });
});

test("statusReport() shows real servers that are kept beside the configuration as such", () => {
  const service = serviceKey("tcp://203.0.113.10:80");
  const settings = { forward: "nat", weight: 5, upperThreshold: 0, lowerThreshold: 0 } as const;
  const stamp = { kind: "kept", service, revision: 1, by: "backup" } as const;
  const shared = restoreShared([
    { ...stamp, server: endpoint("10.0.0.12:80"), change: { kind: "absent" } },
    { ...stamp, server: endpoint("10.0.0.13:80"), change: { kind: "present", settings } },
  ]);
  const check = (server: string): CheckReport => {
    const base = { service: "web", listen: "tcp://203.0.113.10:80", forward: "nat", kind: "tcp" } as const;
    return { ...base, server, verdict: "up", drained: false, weight: 1 };
  };
  const { services, warnings } = report(
    { ...CREATED, shared },
    { config: { ...CONFIG, services: [configuredService()] }, checks: [check("10.0.0.11:80"), check("10.0.0.13:80")] },
  );
  expect(services[0]?.servers.map(({ address, state, kept }) => [address, state, kept])).toEqual([
    ["10.0.0.11:80", "up", null],
    ["10.0.0.12:80", "removed", "removed"],
    ["10.0.0.13:80", "up", "added"],
  ]);
  expect(warnings).toContain("web: 10.0.0.13:80 is added by an operator, beside the configuration");
});

describe("statusReport() says since when a standby has been doing what it does", () => {
  const query = { sinceMs: NOW_MS - 300, attempt: 9, askedAtMs: NOW_MS, unanswered: 0, answered: 9 };
  const asking = { ...query, ownAnswered: [], absentRounds: 0, unansweredSeeing: 0, standoff: false };
  const since = (...parts: readonly Partial<State>[]) =>
    reportOf({ phase: { kind: "standby", sinceMs: NOW_MS - 21_200 } }, ...parts).router.doingSinceMs;

  test.each([
    ["asking: of the asking", 300, { query: asking }],
    ["standing off: of the answers", 9_000, { query: { ...asking, standoff: true, firstAnswerAtMs: NOW_MS - 9_000 } }],
    ["nothing: of being standby", 21_200, {}],
    ["released: not known", null, { abstaining: true }],
  ] as const)("%s", (_case, ms, state) => {
    expect(since(state)).toBe(ms);
  });
});

describe("statusReport() names who confirms a VIP", () => {
  const LINK = { up: true, carrier: true };
  const seen = { carrier: true, carrierSinceMs: 0, askable: true, lastNeighbourAtMs: NOW_MS - 5 };
  const well: Partial<State> = { sides: { public: seen, private: seen } };
  const by = { by: prefixOf("203.0.113.1/24").address, elapsedMs: 3, atMs: NOW_MS - 9 };
  const onThird: Partial<State> = {
    surroundings: {
      interfaces: [{ name: "eth0", link: LINK, sides: [], ownAddress: true }],
      defaultRoutes: [],
      settingsLost: [],
    },
  };
  const vipOf = (...parts: readonly Partial<State>[]) => reportOf(ACTIVE, MINE, well, ...parts).vips[0];

  test("by its interface", () => {
    expect(vipOf({ confirmations: new Map([["eth0", by]]) })?.confirmed).toBe("203.0.113.1 after 3 ms");
    expect(vipOf({ confirmations: new Map([["eth1", by]]) })?.confirmed).toBeNull();
  });

  test("and whether there is anybody to ask on an interface that is neither side's", () => {
    const asked = { thirdEvidence: new Map([["eth0", { askable: true, lastNeighbourAtMs: NOW_MS - 5 }]]) };
    expect([vipOf(onThird)?.confirmable, vipOf(onThird, asked)?.confirmable]).toEqual([false, true]);
  });

  test("but not while another machine answers for it", () => {
    const mac = "02:00:00:00:00:09" as MacAddress;
    const conflict = { address: VIP.prefix.address, mac, sinceMs: 1_000, seenAtMs: NOW_MS - 1_000 };
    const confirmations = new Map([["eth0", by]]);
    expect(vipOf({ confirmations, conflicts: [conflict] })).toMatchObject({ confirmed: null, contestedBy: mac });
    const old = { ...conflict, seenAtMs: NOW_MS - 60_000 };
    expect(vipOf({ confirmations, conflicts: [old] })).toMatchObject({ contestedBy: null });
  });
});
