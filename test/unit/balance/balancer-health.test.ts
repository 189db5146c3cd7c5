import { describe, expect, test } from "bun:test";
import type { ConfiguredService } from "../../../src/config/keys/config.ts";
import type { Check, ProbeOutcome } from "../../../src/model/health-check.ts";
import {
  checked,
  configuredService,
  failed,
  realServer,
  SUCCESS,
  TCP_CHECK,
  virtualService,
} from "../../support/balance-fixtures.ts";
import { BalancerDriver } from "../../support/balancer-driver.ts";

const FIRST = "10.0.0.11:80";
const SECOND = "10.0.0.12:80";
const SORRY = "10.0.0.99:80";
/** Longer than any number of probes that decides, at an interval of 1 s. */
const DECIDED_MS = 5_000;
const PING: Check = { ...TCP_CHECK, method: { kind: "ping" } };

function running(changes: Partial<ConfiguredService>): BalancerDriver {
  const driver = new BalancerDriver();
  driver.give({ kind: "configure", config: { services: [configuredService(changes)] } });
  driver.advance(DECIDED_MS);
  driver.reports.length = 0;
  return driver;
}

/** The next process on the same kernel, with what the one before saved. */
function restarted(driver: BalancerDriver, changes: Partial<ConfiguredService>): BalancerDriver {
  driver.give({ kind: "stop" });
  const { saved } = driver;
  const next = new BalancerDriver(saved === undefined ? {} : { saved }, driver.kernel, driver.nowMs);
  next.outcomes.clear();
  for (const [place, outcome] of driver.outcomes) next.outcomes.set(place, outcome);
  next.give({ kind: "configure", config: { services: [configuredService(changes)] } });
  return next;
}

/** The kernel's servers with their weights. */
function table(driver: BalancerDriver): Readonly<Record<string, number>> {
  const servers = driver.kernel.service(virtualService("tcp://203.0.113.10:80").key)?.servers ?? [];
  return Object.fromEntries(
    servers.map(({ server }) => [`${server.endpoint.address.text}:${server.endpoint.port}`, server.weight]),
  );
}

function fall(driver: BalancerDriver, place: string, outcome: ProbeOutcome = failed("refused")): void {
  driver.outcomes.set(place, outcome);
  driver.advance(DECIDED_MS);
}

function rise(driver: BalancerDriver, place: string): void {
  driver.outcomes.delete(place);
  driver.advance(DECIDED_MS);
}

describe("Balancer, with two checks on a server", () => {
  const servers = [{ ...checked(FIRST), furtherChecks: [PING] }, checked(SECOND)];

  test("takes a server out when one of them fails, and tells that once", () => {
    const driver = running({ servers });
    fall(driver, `${FIRST} ping`);
    fall(driver, `${FIRST} tcp`);
    expect(driver.take("verdict-changed").map(({ change }) => [change.server, change.to])).toEqual([[FIRST, "down"]]);
    expect(table(driver)).toEqual({ [SECOND]: 1 });
  });

  test("takes it in again only when both pass", () => {
    const driver = running({ servers });
    fall(driver, FIRST);
    driver.outcomes.set(`${FIRST} ping`, failed());
    rise(driver, FIRST);
    const before = table(driver);
    rise(driver, `${FIRST} ping`);
    expect([before, table(driver)]).toEqual([{ [SECOND]: 1 }, { [FIRST]: 1, [SECOND]: 1 }]);
    expect(driver.take("verdict-changed").map(({ change }) => change.to)).toEqual(["down", "up"]);
  });
});

describe("Balancer, with a quorum of two", () => {
  const QUORUM = { by: "servers", needed: 2, hysteresis: 0 } as const;

  test("gives all work to the sorry server when one of two is left, and takes it back", () => {
    const driver = running({ quorum: QUORUM, sorry: realServer(SORRY) });
    fall(driver, FIRST);
    const before = table(driver);
    rise(driver, FIRST);
    expect([before, table(driver)]).toEqual([{ [SORRY]: 1 }, { [FIRST]: 1, [SECOND]: 1 }]);
    const changes = driver.take("quorum-changed").map(({ change }) => change);
    const change = { service: "web", listen: "tcp://203.0.113.10:80" };
    expect(changes).toEqual([
      { ...change, quorate: false },
      { ...change, quorate: true },
    ]);
  });

  test("remembers over a restart that it is lost, and tells nobody again", () => {
    const wide = { quorum: { by: "servers", needed: 2, hysteresis: 1 } as const };
    const servers = [FIRST, SECOND, "10.0.0.13:80"].map((place) => checked(place));
    const driver = running({ ...wide, servers });
    fall(driver, FIRST);
    fall(driver, SECOND);
    fall(driver, "10.0.0.13:80");
    rise(driver, FIRST);
    rise(driver, SECOND);
    expect(driver.take("quorum-changed").map(({ change }) => change.quorate)).toEqual([false]);
    const next = restarted(driver, { ...wide, servers });
    next.advance(DECIDED_MS);
    expect(next.take("quorum-changed")).toEqual([]);
    rise(next, "10.0.0.13:80");
    expect(next.take("quorum-changed").map(({ change }) => change.quorate)).toEqual([true]);
  });

  test("leaves the work to the one that is left without a sorry server", () => {
    const driver = running({ quorum: QUORUM });
    fall(driver, FIRST);
    expect(table(driver)).toEqual({ [SECOND]: 1 });
    expect(driver.take("quorum-changed").map(({ change }) => change.quorate)).toEqual([false]);
  });
});

describe("Balancer, with a program that weighs", () => {
  test("follows it without a verdict's change, at least 1 unless it says 0", () => {
    const driver = running({ servers: [checked(FIRST, TCP_CHECK, { weight: 50 }), checked(SECOND)] });
    const weights = [100, 30, 1, 0].map((weightPercent) => {
      driver.outcomes.set(FIRST, { ...SUCCESS, weightPercent } as ProbeOutcome);
      driver.advance(DECIDED_MS);
      return table(driver)[FIRST];
    });
    expect(weights).toEqual([50, 15, 1, 0]);
    expect(driver.take("verdict-changed")).toEqual([]);
  });
});

test("Balancer remembers over a restart what a program said of a weight", () => {
  const servers = [checked(FIRST, TCP_CHECK, { weight: 50 }), checked(SECOND)];
  const driver = running({ servers });
  driver.outcomes.set(FIRST, { ...SUCCESS, weightPercent: 20 } as ProbeOutcome);
  driver.advance(DECIDED_MS);
  const before = table(driver);
  // Before its first probe.
  const next = restarted(driver, { servers });
  expect([before, table(next)]).toEqual([
    { [FIRST]: 10, [SECOND]: 1 },
    { [FIRST]: 10, [SECOND]: 1 },
  ]);
});

describe("Balancer, with down_interval", () => {
  test("tries a server that is down less often, and one that is up again as before", () => {
    const driver = running({ servers: [checked(FIRST, { ...TCP_CHECK, downIntervalMs: 10_000 })] });
    fall(driver, FIRST);
    const probesIn = (ms: number): number => {
      const before = driver.probesBegun;
      driver.advance(ms);
      return driver.probesBegun - before;
    };
    const whileDown = probesIn(100_000);
    driver.outcomes.delete(FIRST);
    driver.advance(40_000);
    expect([whileDown, probesIn(100_000)]).toEqual([10, 100]);
  });
});

describe("Balancer, warned by a server that is up", () => {
  test("says so once, and again when the warning is another one", () => {
    const driver = running({});
    for (const warning of ["ends in 3 days", "ends in 2 days"]) {
      driver.outcomes.set(FIRST, { ...SUCCESS, warning } as ProbeOutcome);
      driver.advance(DECIDED_MS);
    }
    expect(driver.take("log").map(({ message }) => message)).toEqual([
      "10.0.0.11: ends in 3 days",
      "10.0.0.11: ends in 2 days",
    ]);
  });
});
