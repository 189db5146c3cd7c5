import { describe, expect, test } from "bun:test";
import { stateExitCode } from "../../../../src/cli/status/status-view.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { statusReport } from "../../../../src/daemon/status/router-status.ts";
import type { StatusReport } from "../../../../src/daemon/status/status-report.ts";
import type { Input } from "../../../../src/failover/machine/failover-input.ts";
import type { Unfitness } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { vip } from "../../../simulation/world.ts";
import { MAC, PEER_SAYS, PUBLIC_VIP, SETTINGS, TestRouter } from "../../../support/failover.ts";
import { NO_TROUBLE, RELOADED } from "../../../support/upkeep.ts";
import { BASE } from "../../config/base.ts";

const parsed = parseConfig(BASE);
if (!parsed.ok) throw new Error("the base file is not valid");
const CONFIG = parsed.config;
const WELL = { answered: true } as const;

/** What the peer says, with its fitness for the VIP of eth1. */
function peer(unfit?: Unfitness, says: Partial<typeof PEER_SAYS> = {}) {
  const first = unfit === undefined ? WELL : { unfit, answered: true };
  return { ...PEER_SAYS, ...says, fitness: { vips: [first, WELL], defaultRoutes: ["inet"] as const, gates: [] } };
}

/** This machine, with eth1 up or down. */
function surroundings(isUp: boolean): Input {
  return {
    kind: "surroundings",
    surroundings: {
      interfaces: [
        { name: "eth0", link: { up: true, carrier: true }, sides: ["public"], ownAddress: true },
        { name: "eth1", link: { up: isUp, carrier: isUp }, sides: ["private"], ownAddress: true },
      ],
      defaultRoutes: ["inet"],
      settingsLost: [],
    },
  };
}

function active(settings: Partial<typeof SETTINGS> = {}): TestRouter {
  const router = new TestRouter({ settings }).boot();
  router.feed(surroundings(true));
  router.meet(peer());
  router.leased();
  router.renews = true;
  return router;
}

function standby(): TestRouter {
  const router = new TestRouter({ settings: { router: "backup" } }).boot();
  const vips = PEER_SAYS.vips.map((vip) => ({ ...vip, held: true }));
  router.feed(surroundings(false));
  return router.meet(peer("link-down", { role: "active", term: 1, lastActiveTerm: 1, holding: true, vips }));
}

function report(router: TestRouter): StatusReport {
  return statusReport(router.state, {
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
    nowMs: router.nowMs,
    at: new Date(0),
  });
}

function kinds(router: TestRouter): readonly string[] {
  return report(router).alarms.map(({ kind }) => kind);
}

describe("a VIP that no router could serve is an alarm", () => {
  test("on the active, with what mends it; nobody is ready to take it over then", () => {
    const router = active();
    router.feed(surroundings(false), { kind: "carrier", side: "private", up: false });
    router.hearFor(1_000, peer("no-interface"));
    const told = report(router);
    expect([told.alarms, stateExitCode(told)]).toEqual([
      [
        {
          kind: "unservable-vip",
          text: "no router could serve 10.0.0.1 (eth1): lvs1: eth1 is down; lvs2: there is no interface eth1",
          mend: "ip link set eth1 up",
        },
      ],
      3,
    ]);
    expect(told.router.next).not.toContain("is ready to take over");
    const cut = told.advice.find(({ text }) => text.startsWith("no carrier on the private side"));
    expect(cut?.mend).toBe("ip link set eth1 up");
    expect(told.advice).toContainEqual({
      text: "lvs1 could not serve 10.0.0.1: eth1 is down",
      mend: "ip link set eth1 up",
    });
  });

  test("on the standby as well", () => {
    expect(kinds(standby())).toEqual(["unservable-vip"]);
  });

  test("where the peer is not heard", () => {
    const router = active();
    router.feed(surroundings(false));
    router.advance(3_000);
    expect(report(router).alarms.map(({ text }) => text)).toEqual([
      "no router could serve 10.0.0.1 (eth1): lvs1: eth1 is down; lvs2 is not heard",
    ]);
  });

  test("but not where the peer could, nor for one that counts for nothing", () => {
    const router = active();
    router.feed(surroundings(false));
    router.hearFor(200, peer());
    const vips = SETTINGS.vips.map((sided) => ({ ...sided, optional: true as const }));
    const optional = active({ vips });
    optional.feed(surroundings(false));
    optional.hearFor(1_000, peer("no-interface"));
    expect([kinds(router), kinds(optional)]).toEqual([[], []]);
  });
});

test("another machine with a VIP of ours is an alarm for as long as it was seen lately", () => {
  const router = active();
  router.hearFor(2_000, peer());
  const claim = { address: PUBLIC_VIP.prefix.address, mac: MAC.other, interface: "eth0" } as const;
  router.feed({ kind: "owner-answer", ...claim, announced: true });
  const told = report(router);
  expect([told.alarms.map(({ kind }) => kind), stateExitCode(told)]).toEqual([["two-owners"], 3]);
  expect(told.alarms[0]?.mend).toContain("tandem vip list --ask");
  router.hearFor(40_000, peer());
  expect(kinds(router)).toEqual([]);
});

describe("a VIP that only the standby is configured to have is nobody's, which is an alarm", () => {
  const extra = vip("203.0.113.20/24", "eth0", "public");
  const listed = { address: extra.vip.prefix.address, held: false };

  /** This router is standby and has one VIP more than the active, which lists so many of its own. */
  function standbyWithMore(vipCount: number) {
    const router = new TestRouter({ settings: { router: "backup", vips: [...SETTINGS.vips, extra] } }).boot();
    const vips = PEER_SAYS.vips.map((one) => ({ ...one, held: true }));
    return router.meet({ ...PEER_SAYS, role: "active", term: 1, lastActiveTerm: 1, holding: true, vips, vipCount });
  }

  test("at the standby, unless the active has more VIPs than it can list", () => {
    const told = report(standbyWithMore(2));
    expect([told.alarms, stateExitCode(told)]).toEqual([
      [
        {
          kind: "no-owner",
          text: "no router has 203.0.113.20 (eth0): lvs1, the active, does not have it in its configuration",
          mend: "tandem reload   # on lvs1",
        },
      ],
      3,
    ]);
    expect(kinds(standbyWithMore(40))).toEqual([]);
  });

  test("at the active, unless the standby has it", () => {
    const router = active();
    const withMore = (held: boolean) => ({ ...peer(), vips: [...PEER_SAYS.vips, { ...listed, held }], vipCount: 3 });
    router.hear(withMore(false));
    expect(report(router).alarms).toEqual([
      {
        kind: "no-owner",
        text: "no router has 203.0.113.20: only lvs2, the standby, has it in its configuration",
        mend: "tandem reload   # with the file of both",
      },
    ]);
    router.hear(withMore(true));
    expect(kinds(router)).not.toContain("no-owner");
  });
});
