import { describe, expect, test } from "bun:test";
import { Balancer } from "../../../src/balance/balancer.ts";
import type { BalancerInput } from "../../../src/balance/balancer-input.ts";
import { RECONCILE_INTERVAL_MS } from "../../../src/balance/kernel-table.ts";
import { drainsOf } from "../../../src/balance/servers/drains.ts";
import type { ConfiguredService } from "../../../src/config/keys/config.ts";
import {
  checked,
  configuredService,
  endpoint,
  failed,
  realServer,
  SUCCESS,
  serviceKey,
  TCP_CHECK,
  virtualService,
} from "../../support/balance-fixtures.ts";
import { BalancerDriver } from "../../support/balancer-driver.ts";

const WEB = "tcp://203.0.113.10:80";
const FOREIGN = virtualService("tcp://198.51.100.1:25");
/** Longer than any number of probes that decides, at an interval of 1 s. */
const DECIDED_MS = 5_000;

function configure(driver: BalancerDriver, services: readonly ConfiguredService[]): void {
  driver.give({ kind: "configure", config: { services } });
}

function running(changes: Partial<ConfiguredService> = {}): BalancerDriver {
  const driver = new BalancerDriver();
  configure(driver, [configuredService(changes)]);
  driver.advance(DECIDED_MS);
  driver.reports.length = 0;
  driver.kernel.asked.length = 0;
  return driver;
}

describe("Balancer, starting", () => {
  test("touches no kernel for a configuration without services, whose table is complete", () => {
    const driver = new BalancerDriver();
    configure(driver, []);
    driver.give({ kind: "table-needed", id: 7 });
    driver.advance(60_000);
    expect(driver.kernelCalls).toEqual([]);
    expect(driver.take("table-complete")).toEqual([{ kind: "table-complete", id: 7 }]);
  });

  test("puts servers into the kernel once they are judged, not before", () => {
    const driver = new BalancerDriver();
    driver.outcomes.set("10.0.0.11:80", failed());
    driver.outcomes.set("10.0.0.12:80", failed());
    configure(driver, [configuredService()]);
    driver.advance(500);
    expect(driver.kernel.weights()).toEqual({ [WEB]: {} });
    driver.outcomes.clear();
    driver.advance(DECIDED_MS);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
  });

  test("gives servers that were never judged work with their first success, whatever rise says", () => {
    const driver = new BalancerDriver();
    const slow = { ...TCP_CHECK, intervalMs: 2_000, rise: 9 };
    configure(driver, [configuredService({ servers: [checked("10.0.0.11:80", slow), checked("10.0.0.12:80", slow)] })]);
    driver.advance(100);
    expect([driver.probesBegun, driver.kernel.weights()]).toEqual([
      2,
      { [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } },
    ]);
  });

  test("leaves servers without a verdict as an earlier process left them", () => {
    const { kernel } = running();
    const next = new BalancerDriver({}, kernel);
    configure(next, [configuredService()]);
    next.advance(500);
    expect(kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
  });

  test("goes by the saved verdicts, so that an empty kernel is filled at once", () => {
    const before = running();
    before.outcomes.set("10.0.0.12:80", failed("refused"));
    before.advance(DECIDED_MS);
    const { saved } = before;
    const next = new BalancerDriver(saved === undefined ? {} : { saved });
    configure(next, [configuredService()]);
    next.give({ kind: "table-needed", id: 1 });
    expect([next.kernel.weights(), next.probesBegun, next.take("table-complete").length]).toEqual([
      { [WEB]: { "10.0.0.11:80": 1 } },
      0,
      1,
    ]);
  });

  test("keeps the last good set over a restart", () => {
    const before = running();
    before.outcomes.set("10.0.0.11:80", failed("timeout"));
    before.outcomes.set("10.0.0.12:80", failed("timeout"));
    before.advance(DECIDED_MS);
    const { saved } = before;
    const next = new BalancerDriver(saved === undefined ? {} : { saved }, undefined, before.nowMs);
    next.outcomes.set("10.0.0.11:80", failed("timeout"));
    next.outcomes.set("10.0.0.12:80", failed("timeout"));
    configure(next, [configuredService()]);
    next.advance(DECIDED_MS);
    expect(next.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
  });

  test("deletes a service that was ours and left the configuration while nobody ran", () => {
    const before = running();
    before.kernel.apply([{ kind: "add-service", service: FOREIGN }]);
    const { saved } = before;
    const next = new BalancerDriver(saved === undefined ? {} : { saved }, before.kernel);
    configure(next, []);
    next.advance(100);
    expect(next.kernel.weights()).toEqual({ "tcp://198.51.100.1:25": {} });
    next.kernelCalls.length = 0;
    next.advance(60_000);
    expect(next.kernelCalls).toEqual([]);
  });
});

describe("Balancer, judging", () => {
  test("removes a server after `fall` failures and tells why, and takes it back after `rise` successes", () => {
    const driver = running();
    driver.outcomes.set("10.0.0.12:80", failed("reset"));
    driver.advance(2_000);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
    driver.advance(1_000);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1 } });
    driver.outcomes.delete("10.0.0.12:80");
    driver.advance(2_000);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
    expect(driver.take("verdict-changed").map(({ change: { sinceMs: _since, ...change } }) => change)).toEqual([
      { service: "web", server: "10.0.0.12:80", from: "up", to: "down", reason: "reset" },
      { service: "web", server: "10.0.0.12:80", from: "down", to: "up", reason: "connected" },
    ]);
  });

  test("sends one message for one verdict", () => {
    const driver = running();
    driver.outcomes.set("10.0.0.12:80", failed("reset"));
    driver.advance(3_500);
    expect(driver.kernel.asked).toEqual([
      { kind: "delete-server", key: serviceKey(WEB), endpoint: endpoint("10.0.0.12:80") },
    ]);
  });

  test("probes a target once for all services that share it", () => {
    const driver = new BalancerDriver();
    const services = [1, 2, 3].map((last) =>
      configuredService({ name: `s${last}`, listen: [virtualService(`tcp://203.0.113.${last}:80`)] }),
    );
    configure(driver, services);
    driver.advance(10_000);
    expect(driver.probesBegun).toBe(20);
  });

  test("begins a hundred probes at a turn, and none for an outcome, so that the kernel's table has its turn", () => {
    const balancer = new Balancer({ bootId: "boot", seed: 1 });
    const servers = Array.from({ length: 250 }, (_, index) => checked(`10.0.0.${1 + index}:80`));
    const [begun, dueMs] = [new Set<string>(), 60_000];
    const probesOf = (input: BalancerInput): number => {
      const probes = balancer.step(input, dueMs).flatMap((effect) => (effect.kind === "probe" ? [effect.probe] : []));
      for (const { key } of probes) begun.add(key);
      return probes.length;
    };
    balancer.step({ kind: "configure", config: { services: [configuredService({ servers })] } }, 0);
    const turns = [1, 2, 3].map(() => {
      const begins = probesOf({ kind: "tick" });
      return [begins, probesOf({ kind: "probed", key: [...begun].at(-1) ?? "", outcome: SUCCESS })];
    });
    expect([turns, begun.size]).toEqual([[100, 100, 50].map((begins) => [begins, 0]), 250]);
  });

  test("does not count what this machine could not even try, and says so once", () => {
    const driver = running();
    for (const server of ["10.0.0.11:80", "10.0.0.12:80"]) driver.outcomes.set(server, failed("local"));
    driver.advance(20_000);
    expect([driver.kernel.asked, driver.take("log").length]).toEqual([[], 2]);
  });

  test("counts a program that could not be started: programs fail closed", () => {
    const check = { ...TCP_CHECK, method: { kind: "external", command: ["/bin/true"], user: "nobody" } } as const;
    const driver = running({ servers: [checked("10.0.0.11:80", check)] });
    driver.outcomes.set("10.0.0.11:80", failed("local"));
    driver.advance(DECIDED_MS);
    expect(driver.kernel.weights()).toEqual({ [WEB]: {} });
  });

  test("keeps the last good set, loudly, when all die at once, and lets go when they refuse", () => {
    const driver = running({ sorry: realServer("10.0.0.99:80") });
    for (const server of ["10.0.0.11:80", "10.0.0.12:80"]) driver.outcomes.set(server, failed("timeout"));
    driver.advance(DECIDED_MS);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
    expect(driver.take("log").map(({ level }) => level)).toContain("error");
    for (const server of ["10.0.0.11:80", "10.0.0.12:80"]) driver.outcomes.set(server, failed("refused"));
    driver.advance(DECIDED_MS);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.99:80": 1 } });
  });

  test("gives views that count each server of a service once", () => {
    const listen = [virtualService(WEB), virtualService("tcp://203.0.113.10:443")];
    const driver = running({ listen });
    driver.outcomes.set("10.0.0.12:80", failed("refused"));
    driver.advance(DECIDED_MS);
    expect(driver.take("views").at(-1)?.services).toEqual([
      { service: "web", up: 1, down: 1, unknown: 0, configured: 2, work: "normal" },
    ]);
  });

  test("raises a recovered server's weight step by step", () => {
    const driver = running({ slowStartMs: 10_000, servers: [checked("10.0.0.11:80", TCP_CHECK, { weight: 100 })] });
    driver.outcomes.set("10.0.0.11:80", failed("refused"));
    driver.advance(DECIDED_MS);
    driver.outcomes.set("10.0.0.11:80", SUCCESS);
    driver.kernel.asked.length = 0;
    driver.advance(20_000);
    const weights = driver.kernel.asked.map((change) => ("server" in change ? change.server.weight : undefined));
    expect(weights).toEqual([9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 100]);
  });
});

describe("Balancer, reconciling", () => {
  test("mends what somebody else changed within seconds, and leaves foreign services alone", () => {
    const driver = running();
    const other = realServer("10.0.0.66:80");
    driver.kernel.apply([
      { kind: "delete-server", key: serviceKey(WEB), endpoint: endpoint("10.0.0.11:80") },
      { kind: "add-server", key: serviceKey(WEB), server: other },
      { kind: "add-service", service: FOREIGN },
      { kind: "add-server", key: FOREIGN.key, server: other },
    ]);
    driver.advance(6_000);
    expect(driver.kernel.weights()).toEqual({
      [WEB]: { "10.0.0.12:80": 1, "10.0.0.11:80": 1 },
      "tcp://198.51.100.1:25": { "10.0.0.66:80": 1 },
    });
  });

  test("logs a refused change once, tries again, and holds up no other service", () => {
    const driver = new BalancerDriver();
    const odd = configuredService({
      name: "odd",
      listen: [virtualService("tcp://203.0.113.11:80", { scheduler: "odd" })],
    });
    configure(driver, [odd, configuredService()]);
    driver.give({ kind: "table-needed", id: 1 });
    driver.advance(30_000);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
    expect(driver.take("log").filter(({ level }) => level === "error").length).toBe(1);
    expect(driver.take("table-complete")).toEqual([]);
    // After 0.5, 1, 2, 4, 8 and 10 s: not with every verdict and every reading of the table.
    const tries = driver.kernel.asked.filter(
      (change) => change.kind === "add-service" && change.service.scheduler === "odd",
    );
    expect(tries.length).toBe(7);
    driver.kernel.schedulers.add("odd");
    driver.advance(15_000);
    expect(Object.keys(driver.kernel.weights())).toEqual([WEB, "tcp://203.0.113.11:80"]);
    expect(driver.take("table-complete")).toEqual([{ kind: "table-complete", id: 1 }]);
  });

  test("goes on asking a kernel that does not answer, and says so once", () => {
    const driver = running();
    driver.kernelTrouble = "no such family";
    driver.advance(60_000);
    expect(driver.take("log")).toEqual([
      { kind: "log", level: "error", message: "the kernel's table: no such family" },
    ]);
    driver.outcomes.set("10.0.0.12:80", failed("refused"));
    driver.advance(DECIDED_MS);
    driver.kernelTrouble = undefined;
    driver.advance(15_000);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1 } });
  });

  test("sends one message for a reload that changes one weight, and keeps every verdict", () => {
    const driver = running();
    const servers = [checked("10.0.0.11:80"), checked("10.0.0.12:80", TCP_CHECK, { weight: 5 })];
    configure(driver, [configuredService({ servers })]);
    driver.advance(10);
    expect(driver.kernel.asked).toEqual([
      { kind: "edit-server", key: serviceKey(WEB), server: realServer("10.0.0.12:80", { weight: 5 }) },
    ]);
    expect(driver.take("verdict-changed")).toEqual([]);
  });

  test("keeps verdicts over a reload that changes the interval", () => {
    const driver = running();
    const check = { ...TCP_CHECK, intervalMs: 2_000 };
    configure(driver, [
      configuredService({ servers: [checked("10.0.0.11:80", check), checked("10.0.0.12:80", check)] }),
    ]);
    expect(driver.take("views").map(({ services }) => services[0]?.up)).toEqual([2]);
  });

  test("deletes a service that leaves the configuration", () => {
    const driver = running();
    configure(driver, [configuredService({ listen: [virtualService("tcp://203.0.113.20:80")] })]);
    driver.advance(DECIDED_MS);
    expect(Object.keys(driver.kernel.weights())).toEqual(["tcp://203.0.113.20:80"]);
  });

  test("reads and changes a large table in slices", () => {
    const driver = new BalancerDriver();
    const services = Array.from({ length: 120 }, (_, index) =>
      configuredService({
        listen: [virtualService(`tcp://203.0.113.10:${1_000 + index}`)],
        servers: [{ server: realServer("10.0.0.1:80") }],
      }),
    );
    configure(driver, services);
    driver.advance(DECIDED_MS);
    expect(Object.keys(driver.kernel.weights()).length).toBe(120);
    expect(driver.kernelCalls.filter((call) => call === "apply").length).toBe(2);
    expect(driver.kernelCalls.filter((call) => call === "read-services").length).toBe(3);
  });

  test("reads services of many servers one by one, and compares all of them although that takes some turns", () => {
    const driver = new BalancerDriver();
    const listen = (index: number) => `tcp://203.0.113.10:${1_000 + index}`;
    const servers = Array.from({ length: 150 }, (_, index) => ({ server: realServer(`10.0.0.${1 + index}:80`) }));
    const services = Array.from({ length: 8 }, (_, index) =>
      configuredService({ listen: [virtualService(listen(index))], servers }),
    );
    configure(driver, services);
    driver.advance(DECIDED_MS);
    driver.kernelCalls.length = 0;
    // Of the last one, so that turns without any change come before it.
    const changed = realServer("10.0.0.150:80", { weight: 7 });
    driver.kernel.apply([{ kind: "edit-server", key: serviceKey(listen(7)), server: changed }]);
    driver.advance(RECONCILE_INTERVAL_MS);
    expect(driver.kernelCalls.filter((call) => call === "read-services").length).toBe(8);
    expect(driver.kernel.weights()[listen(7)]?.["10.0.0.150:80"]).toBe(1);
    driver.give({ kind: "table-needed", id: 3 });
    driver.advance(1);
    expect(driver.take("table-complete")).toEqual([{ kind: "table-complete", id: 3 }]);
  });
});

describe("Balancer, with servers that are kept beside the configuration", () => {
  const UNSET = {
    forward: undefined,
    weight: undefined,
    upperThreshold: undefined,
    lowerThreshold: undefined,
    tunnelType: undefined,
    tunnelPort: undefined,
    tunnelChecksum: undefined,
  };
  const at = (server: string, service = WEB) => ({
    kind: "keep" as const,
    id: 1,
    service: serviceKey(service),
    server: endpoint(server),
  });
  const ADD = { ...at("10.0.0.13"), order: { kind: "add", settings: { ...UNSET, weight: 3 }, orEdit: false } } as const;
  const THREE = { [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1, "10.0.0.13:80": 3 } };
  const TWO = { [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } };

  test("adds one when its check says so, and keeps it over reload and restart until it is reset", () => {
    const driver = running();
    driver.give(ADD);
    expect(driver.take("done")).toEqual([{ kind: "done", id: 1 }]);
    expect(driver.kernel.weights()).toEqual(TWO);
    driver.advance(DECIDED_MS);
    expect(driver.kernel.weights()).toEqual(THREE);
    configure(driver, [configuredService()]);
    driver.advance(DECIDED_MS);
    expect(driver.kernel.weights()).toEqual(THREE);
    const { saved } = driver;
    const next = new BalancerDriver(saved === undefined ? {} : { saved });
    configure(next, [configuredService()]);
    next.advance(100);
    expect(next.kernel.weights()).toEqual(THREE);
    next.give({ ...at("10.0.0.13"), order: { kind: "reset" } });
    next.advance(100);
    expect(next.kernel.weights()).toEqual(TWO);
    const made = next.take("kept-changed").flatMap((report) => (report.made === undefined ? [] : [report.made.change]));
    expect(made).toEqual([{ kind: "none" }]);
  });

  test("takes a configured one out, and drains one that was added", () => {
    const driver = running();
    driver.give(ADD);
    driver.give({ ...at("10.0.0.12:80"), order: { kind: "del", ifExists: false } });
    driver.give({ kind: "drain", id: 2, server: endpoint("10.0.0.13:80") });
    driver.advance(DECIDED_MS);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.13:80": 0 } });
    expect(driver.take("views").at(-1)?.services).toMatchObject([{ service: "web", up: 2, configured: 2 }]);
  });

  test("obeys the pair's in place of those it had, and loses no verdict by that", () => {
    const driver = running();
    const change = {
      kind: "present",
      settings: { forward: "nat", weight: 4, upperThreshold: 0, lowerThreshold: 0 },
    } as const;
    const kept = [{ service: serviceKey(WEB), server: endpoint("10.0.0.12:80"), change }];
    driver.give({ kind: "orders", drains: [], kept });
    driver.advance(1);
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 4 } });
    driver.give({ kind: "orders", drains: [], kept: [] });
    driver.advance(1);
    expect(driver.kernel.weights()).toEqual(TWO);
    expect(driver.take("kept-changed").every(({ made }) => made === undefined)).toBe(true);
  });

  test("refuses a service that is not configured", () => {
    const driver = running();
    driver.give({ ...at("10.0.0.13:80", "fwmark:7"), order: { kind: "del", ifExists: true } });
    expect(driver.take("refused")).toEqual([
      { kind: "refused", id: 1, reason: "the configuration has no service fwmark:7" },
    ]);
  });
});

describe("Balancer, obeying orders", () => {
  const order = { id: 1, server: endpoint("10.0.0.12:80") } as const;

  test("drains a server at once and for good: over reload and restart", () => {
    const driver = running();
    driver.give({ kind: "drain", ...order });
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 0 } });
    expect(driver.take("done")).toEqual([{ kind: "done", id: 1 }]);
    configure(driver, [configuredService()]);
    driver.advance(DECIDED_MS);
    const { saved } = driver;
    const next = new BalancerDriver(saved === undefined ? {} : { saved });
    configure(next, [configuredService()]);
    next.advance(100);
    const both = { [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 0 } };
    expect([driver.kernel.weights(), next.kernel.weights()]).toEqual([both, both]);
  });

  test("takes a drain back", () => {
    const driver = running();
    driver.give({ kind: "drain", ...order });
    driver.give({ kind: "undrain", ...order });
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
    expect(driver.take("drains-changed").map(({ drains }) => drains.length)).toEqual([1, 0]);
  });

  test("sets a weight, and the configured one again", () => {
    const driver = running();
    driver.give({ kind: "weight", ...order, weight: 9 });
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 9 } });
    driver.give({ kind: "weight", ...order });
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
  });

  test("obeys the orders that come with a configuration", () => {
    const driver = running();
    const drains = [...drainsOf([{ kind: "drain", service: serviceKey(WEB), server: order.server }]).values()];
    driver.give({ kind: "configure", config: { services: [configuredService()] }, drains });
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 0 } });
  });

  test("obeys the orders of the pair in place of those it had, and keeps them over a reload", () => {
    const driver = running();
    const drained = { [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 0 } };
    const drains = [{ kind: "drain", service: serviceKey(WEB), server: order.server }] as const;
    driver.give({ kind: "orders", drains, kept: [] });
    expect(driver.kernel.weights()).toEqual(drained);
    configure(driver, [configuredService()]);
    expect(driver.kernel.weights()).toEqual(drained);
    driver.give({ kind: "orders", drains: [], kept: [] });
    expect(driver.kernel.weights()).toEqual({ [WEB]: { "10.0.0.11:80": 1, "10.0.0.12:80": 1 } });
    expect(driver.take("drains-changed").every(({ made }) => made === undefined)).toBe(true);
  });

  test("refuses an order for a server that nobody has", () => {
    const driver = running();
    driver.give({ kind: "drain", id: 4, server: endpoint("10.9.9.9:80") });
    expect(driver.take("refused")).toEqual([
      { kind: "refused", id: 4, reason: "no configured service has the real server 10.9.9.9:80" },
    ]);
  });

  test("tells what each check found and what a drained server still has to do", () => {
    const driver = running({ servers: [checked("10.0.0.11:80"), { server: realServer("10.0.0.12:80") }] });
    driver.give({ kind: "drain", ...order });
    driver.give({ kind: "query", id: 2, what: { kind: "checks" } });
    driver.give({ kind: "query", id: 3, what: { kind: "drains" } });
    const [checks, drains] = driver.take("answer").map(({ answer }) => answer);
    expect(
      checks?.kind === "checks" &&
        checks.checks.map(({ last, sinceMs: _since, forMs: _for, changes, ...report }) => ({
          ...report,
          streak: last?.streak,
          became: changes?.map(({ to }) => to),
        })),
    ).toEqual([
      {
        service: "web",
        listen: WEB,
        server: "10.0.0.11:80",
        forward: "nat",
        kind: "tcp",
        verdict: "up",
        weight: 1,
        drained: false,
        activeConnections: 0,
        streak: 5,
        times: { p50Ms: 1, p99Ms: 1, samples: 5 },
        became: ["up"],
      },
      {
        service: "web",
        listen: WEB,
        server: "10.0.0.12:80",
        forward: "nat",
        verdict: "up",
        weight: 0,
        drained: true,
        activeConnections: 0,
        streak: undefined,
        became: undefined,
      },
    ]);
    expect(drains).toEqual({
      kind: "drains",
      drains: [
        { listen: WEB, server: "10.0.0.12:80", activeConnections: 0, inactiveConnections: 0, persistentConnections: 0 },
      ],
    });
  });
});
