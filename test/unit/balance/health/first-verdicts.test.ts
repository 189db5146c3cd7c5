import { describe, expect, test } from "bun:test";
import type { BalancerInput } from "../../../../src/balance/balancer-input.ts";
import { FIRST_VERDICTS_MS } from "../../../../src/balance/health/first-verdicts.ts";
import type { ConfiguredService } from "../../../../src/config/keys/config.ts";
import { checked, configuredService, failed, realServer, virtualService } from "../../../support/balance-fixtures.ts";
import { BalancerDriver } from "../../../support/balancer-driver.ts";

const [FIRST, SECOND] = ["10.0.0.11:80", "10.0.0.12:80"] as const;
const NEEDED: BalancerInput = { kind: "table-needed", id: 7 };

function configured(driver: BalancerDriver, ...services: readonly ConfiguredService[]): BalancerDriver {
  driver.give({ kind: "configure", config: { services } });
  driver.give(NEEDED);
  return driver;
}

/** Whether the table was called complete since the last call. */
function isComplete(driver: BalancerDriver): boolean {
  return driver.take("table-complete").length > 0;
}

describe("Balancer, at a cold start, calls its table complete", () => {
  test("when each service has a server in the kernel, and not in front of an empty one", () => {
    const driver = configured(new BalancerDriver(), configuredService());
    const before = isComplete(driver);
    driver.advance(50);
    expect([before, isComplete(driver), driver.kernel.weights()]).toEqual([
      false,
      true,
      { "tcp://203.0.113.10:80": { [FIRST]: 1, [SECOND]: 1 } },
    ]);
  });

  test("when all were tried, good or not: a second attempt is not waited for", () => {
    const driver = new BalancerDriver();
    for (const server of [FIRST, SECOND]) driver.outcomes.set(server, failed("refused"));
    configured(driver, configuredService());
    driver.advance(50);
    expect([isComplete(driver), driver.probesBegun]).toEqual([true, 2]);
  });

  test("after a second at the latest, where the checks say nothing", () => {
    const driver = new BalancerDriver();
    // What this machine could not even try says nothing about a server.
    for (const server of [FIRST, SECOND]) driver.outcomes.set(server, failed("local"));
    configured(driver, configuredService());
    driver.advance(FIRST_VERDICTS_MS - 1);
    const before = isComplete(driver);
    driver.advance(1);
    expect([before, isComplete(driver)]).toEqual([false, true]);
  });

  test("at once where each service has a server that need not be judged", () => {
    const servers = [{ server: realServer(FIRST) }, checked(SECOND)];
    expect(isComplete(configured(new BalancerDriver(), configuredService({ servers })))).toBe(true);
  });

  test("at once with the verdicts of the process before", () => {
    const before = configured(new BalancerDriver(), configuredService());
    before.advance(5_000);
    const { saved } = before;
    expect(isComplete(configured(new BalancerDriver(saved === undefined ? {} : { saved }), configuredService()))).toBe(
      true,
    );
  });
});

describe("Balancer, configured again, calls its table complete", () => {
  function running(): BalancerDriver {
    const driver = configured(new BalancerDriver(), configuredService());
    driver.advance(5_000);
    expect(isComplete(driver)).toBe(true);
    return driver;
  }

  test("at once where a service that works gets one more server", () => {
    const servers = [checked(FIRST), checked(SECOND), checked("10.0.0.13:80")];
    expect(isComplete(configured(running(), configuredService({ servers })))).toBe(true);
  });

  test("when a service that is new has its first server", () => {
    const more = {
      name: "more",
      listen: [virtualService("tcp://203.0.113.10:81")],
      servers: [checked("10.0.0.13:80")],
    };
    const driver = configured(running(), configuredService(), configuredService(more));
    const before = isComplete(driver);
    driver.advance(50);
    expect([before, isComplete(driver)]).toEqual([false, true]);
  });
});
