import { describe, expect, test } from "bun:test";
import { GateKeeper } from "../../../src/balance/gate-checks.ts";
import type { TableLog } from "../../../src/balance/kernel-table.ts";
import type { GateView } from "../../../src/balance/servers/check-report.ts";
import type { Gate } from "../../../src/model/gate.ts";
import { configuredService, failed, gate, SUCCESS } from "../../support/balance-fixtures.ts";
import { BalancerDriver } from "../../support/balancer-driver.ts";

/** A balancer without services, told of these gates at 1,000,000 ms; each is tried every second, rise 2, fall 3. */
function driverOf(...gates: readonly Gate[]): BalancerDriver {
  const driver = new BalancerDriver();
  driver.give({ kind: "configure", config: { services: [], gates } });
  return driver;
}

/** The reports since the last call, each gate as `name state since`, with its detail. */
function told(driver: BalancerDriver): string[][] {
  return driver.take("gates").map(({ gates }) => gates.map(textOf));
}

function textOf({ name, state, sinceMs, detail }: GateView): string {
  return `${name} ${state} ${Math.floor(sinceMs - 1_000_000)}${detail === undefined ? "" : `: ${detail}`}`;
}

describe("Balancer, for a gate", () => {
  test("passes with its first success, and goes by rise and fall from there on; each change is told once", () => {
    const driver = driverOf(gate());
    expect(told(driver)).toEqual([["proxy unknown 0"]]);
    driver.advance(999);
    expect([told(driver), driver.gatesBegun.length]).toEqual([[[expect.stringMatching(/^proxy passing \d$/)]], 1]);
    driver.advance(1_001);
    driver.gateOutcomes.set("proxy", failed("refused"));
    driver.advance(2_000);
    expect(told(driver)).toEqual([]);
    driver.advance(1_000);
    const [[failing = ""] = []] = told(driver);
    expect(failing).toMatch(/^proxy failing 400\d: refused$/);
    driver.gateOutcomes.set("proxy", failed("timeout"));
    driver.advance(5_000);
    expect(told(driver)).toEqual([]);
    driver.gateOutcomes.delete("proxy");
    driver.advance(2_000);
    expect(told(driver)).toEqual([[expect.stringMatching(/^proxy passing 1100\d$/)]]);
  });

  test("fails from unknown too, after so many failures", () => {
    const driver = driverOf(gate({ fall: 2 }));
    driver.gateOutcomes.set("proxy", failed());
    driver.advance(900);
    expect(told(driver)).toEqual([["proxy unknown 0"]]);
    driver.advance(1_000);
    expect(told(driver)).toEqual([[expect.stringMatching(/^proxy failing 100\d: timeout$/)]]);
  });

  test("tells all gates when one has changed", () => {
    const driver = driverOf(gate({ name: "a" }), gate({ name: "b" }));
    driver.gateOutcomes.set("b", failed());
    told(driver);
    driver.advance(500);
    expect(told(driver)).toEqual([[expect.stringMatching(/^a passing \d$/), "b unknown 0"]]);
  });

  test("does not touch the kernel, as long as there are no services", () => {
    const driver = driverOf(gate());
    driver.give({ kind: "table-needed", id: 1 });
    driver.advance(60_000);
    expect(driver.kernelCalls).toEqual([]);
    expect(driver.take("table-complete")).toHaveLength(1);
  });

  test("answers what it found last", () => {
    const driver = driverOf(gate({ rise: 1 }));
    driver.advance(1_500);
    driver.gateOutcomes.set("proxy", failed("refused"));
    driver.advance(1_000);
    driver.give({ kind: "query", id: 3, what: { kind: "checks" } });
    expect(driver.take("answer")).toMatchObject([
      {
        id: 3,
        answer: {
          kind: "checks",
          gates: [
            {
              name: "proxy",
              state: "passing",
              last: { outcome: failed("refused"), streak: 1 },
              times: { samples: 2 },
              changes: [{ to: "up" }],
            },
          ],
        },
      },
    ]);
  });

  test("counts its attempts beside those of servers, and neither hold up the others", () => {
    const driver = new BalancerDriver();
    driver.give({ kind: "configure", config: { services: [configuredService()], gates: [gate()] } });
    driver.advance(5_000);
    expect([driver.gatesBegun.length >= 5, driver.probesBegun >= 10]).toEqual([true, true]);
  });
});

describe("Balancer, for a gate that is checked only on an active router", () => {
  const active = gate({ when: "active", rise: 1, fall: 1 });

  test("says on a standby that it passes unchecked, and does not check it", () => {
    const driver = driverOf(active);
    driver.gateOutcomes.set("proxy", failed());
    driver.advance(10_000);
    expect(told(driver)).toEqual([["proxy passing 0: not checked: it is only while this router is active"]]);
    expect(driver.gatesBegun).toEqual([]);
  });

  test("begins anew with each role", () => {
    const driver = driverOf(active);
    driver.gateOutcomes.set("proxy", failed());
    told(driver);
    driver.give({ kind: "role", role: "active" });
    expect(told(driver)).toEqual([["proxy unknown 0"]]);
    driver.advance(500);
    expect(told(driver)).toEqual([[expect.stringMatching(/^proxy failing \d: timeout$/)]]);
    driver.advance(500);
    driver.give({ kind: "role", role: "standby" });
    expect(told(driver)).toEqual([["proxy passing 1000: not checked: it is only while this router is active"]]);
    const { length } = driver.gatesBegun;
    driver.advance(10_000);
    expect(driver.gatesBegun).toHaveLength(length);
    driver.gateOutcomes.delete("proxy");
    driver.give({ kind: "role", role: "active" });
    driver.advance(500);
    expect(told(driver)).toEqual([["proxy unknown 11000"], [expect.stringMatching(/^proxy passing 1100\d$/)]]);
  });

  test("is told the role before the configuration, as a restarted one is", () => {
    const driver = new BalancerDriver();
    driver.give({ kind: "role", role: "active" });
    driver.give({ kind: "configure", config: { services: [], gates: [active] } });
    expect(told(driver)).toEqual([["proxy unknown 0"]]);
  });
});

describe("Balancer, when gates are configured anew", () => {
  function settled(): BalancerDriver {
    const driver = driverOf(gate({ rise: 1 }));
    driver.advance(1_000);
    told(driver);
    return driver;
  }
  const reconfigured = (driver: BalancerDriver, ...gates: readonly Gate[]) => {
    driver.give({ kind: "configure", config: { services: [], gates } });
    return told(driver).at(-1);
  };

  test("keeps what it found of one that looks at the same thing", () => {
    const driver = settled();
    expect(reconfigured(driver, gate({ rise: 1 }))).toBeUndefined();
    expect(reconfigured(driver, gate({ effect: "warn", intervalMs: 200, timeoutMs: 100 }))).toBeUndefined();
    const { length } = driver.gatesBegun;
    driver.advance(1_000);
    expect(driver.gatesBegun.length - length).toBeGreaterThanOrEqual(5);
  });

  test("forgets it when that, or the name, is another one", () => {
    const other = { kind: "process", name: "nginx" } as const;
    expect(reconfigured(settled(), gate({ subject: other }))).toEqual(["proxy unknown 1000"]);
    expect(reconfigured(settled(), gate({ name: "p" }))).toEqual(["p unknown 1000"]);
    expect(reconfigured(settled())).toEqual([]);
  });
});

describe("GateKeeper", () => {
  const keeperOf = (...gates: readonly Gate[]) => {
    const keeper = new GateKeeper(1);
    keeper.configure(gates, 0);
    return keeper;
  };

  test("lets no attempt of an earlier role or configuration count", () => {
    const keeper = keeperOf(gate({ when: "active", rise: 1, fall: 1 }));
    keeper.setRole("active", 0);
    const [old] = keeper.takeDue(1_000);
    keeper.setRole("standby", 1_000);
    keeper.setRole("active", 1_001);
    keeper.probed(old?.key ?? "", failed(), 1_002, []);
    expect(keeper.takeNews()).toMatchObject([{ state: "unknown" }]);
    const [fresh] = keeper.takeDue(2_001);
    expect(fresh?.key).not.toBe(old?.key);
    keeper.probed(fresh?.key ?? "", SUCCESS, 2_002, []);
    expect(keeper.takeNews()).toMatchObject([{ state: "passing", sinceMs: 2_002 }]);
  });

  test("stays as it stands while this machine can't even try, and says so once; a program fails", () => {
    const program = { kind: "check", method: { kind: "external", command: ["/bin/x"], user: "nobody" } } as const;
    const keeper = keeperOf(gate({ name: "a" }), gate({ name: "b", subject: program }));
    const log: TableLog[] = [];
    for (let nowMs = 1_000; nowMs < 6_000; nowMs += 1_000) {
      for (const { key } of keeper.takeDue(nowMs)) keeper.probed(key, failed("local"), nowMs, log);
    }
    expect(log).toEqual([{ level: "warn", message: "gate a cannot be checked: local" }]);
    expect(keeper.takeNews()).toEqual([
      { name: "a", state: "unknown", sinceMs: 0, detail: "cannot be checked: local" },
      { name: "b", state: "failing", sinceMs: 3_000, detail: "local" },
    ]);
    for (const { key } of keeper.takeDue(6_000)) keeper.probed(key, SUCCESS, 6_000, log);
    expect(keeper.takeNews()?.[0]).toEqual({ name: "a", state: "passing", sinceMs: 6_000 });
  });

  test("is tried at another distance while it fails, where that is configured", () => {
    const keeper = keeperOf(gate({ fall: 1, rise: 1, downIntervalMs: 10_000 }));
    const at = (nowMs: number, outcome = SUCCESS) => {
      const due = keeper.takeDue(nowMs);
      for (const { key } of due) keeper.probed(key, outcome, nowMs, []);
      return due.length;
    };
    expect([at(1_000, failed()), at(2_000), at(10_999), at(11_000), at(12_000)]).toEqual([1, 0, 0, 1, 1]);
  });

  test("tells once what a gate that passes warns of", () => {
    const keeper = keeperOf(gate());
    const log: TableLog[] = [];
    for (const nowMs of [1_000, 2_000, 3_000]) {
      const outcome = { ...SUCCESS, warning: "its certificate ends in 3 days" } as const;
      for (const { key } of keeper.takeDue(nowMs)) keeper.probed(key, outcome, nowMs, log);
    }
    expect(log).toEqual([{ level: "warn", message: "gate proxy: its certificate ends in 3 days" }]);
  });

  test("holds one that flaps until it was good for long enough", () => {
    const flap = { limit: 2, windowMs: 600_000, holdMs: 30_000 };
    const keeper = keeperOf(gate({ rise: 1, fall: 1, flap }));
    const states: (string | undefined)[] = [];
    for (const [index, good] of [true, false, true, false, true].entries()) {
      const nowMs = 1_000 * (index + 1);
      for (const { key } of keeper.takeDue(nowMs)) keeper.probed(key, good ? SUCCESS : failed(), nowMs, []);
      states.push(keeper.records(nowMs)[0]?.state);
    }
    expect(states).toEqual(["passing", "failing", "passing", "failing", "failing"]);
  });
});
