import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ConfiguredService } from "../../src/config/keys/config.ts";
import {
  checked,
  configuredService,
  endpoint,
  failed,
  serviceKey,
  TCP_CHECK,
  virtualService,
} from "../support/balance-fixtures.ts";
import { BalancerDriver } from "../support/balancer-driver.ts";

const SERVERS = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];
const KEYS = ["tcp://203.0.113.1:80", "tcp://203.0.113.2:80"];
/** The longest that anything takes: `fall` probes a second apart, a read every 5 s, a retry after 10 s. */
const SETTLED_MS = 20_000;

const anyServices: fc.Arbitrary<ConfiguredService[]> = fc
  .subarray(KEYS)
  .chain((keys) =>
    fc.tuple(...keys.map((key) => fc.subarray(SERVERS, { minLength: 1 }).map((servers) => ({ key, servers })))),
  )
  .map((entries) =>
    entries.map(({ key, servers }) =>
      configuredService({
        name: key,
        listen: [virtualService(key)],
        servers: servers.map((server) => checked(server, TCP_CHECK)),
      }),
    ),
  );

const anyEvent = fc.oneof(
  fc.record({ kind: fc.constant("configure" as const), services: anyServices }),
  fc.record({ kind: fc.constant("die" as const), server: fc.constantFrom(...SERVERS) }),
  fc.record({ kind: fc.constant("recover" as const), server: fc.constantFrom(...SERVERS) }),
  fc.record({ kind: fc.constant("drain" as const), server: fc.constantFrom(...SERVERS) }),
  fc.record({ kind: fc.constant("undrain" as const), server: fc.constantFrom(...SERVERS) }),
  fc.record({ kind: fc.constant("tamper" as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ kind: fc.constant("trouble" as const), on: fc.boolean() }),
  fc.record({ kind: fc.constant("restart" as const) }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 6_000 }) }),
);

type Event = typeof anyEvent extends fc.Arbitrary<infer T> ? T : never;

/** What should be in the kernel, by a reckoning of its own. */
class Expectation {
  services: readonly ConfiguredService[] = [];
  readonly dead = new Set<string>();
  readonly drained = new Set<string>();

  weights(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      this.services.map((service) => {
        const key = service.name;
        const alive = service.servers
          .map(({ server }) => `${server.endpoint.address.text}:${server.endpoint.port}`)
          .filter((name) => !this.dead.has(name));
        return [key, Object.fromEntries(alive.map((name) => [name, this.drained.has(`${key} ${name}`) ? 0 : 1]))];
      }),
    );
  }

  order(kind: "drain" | "undrain", server: string): void {
    for (const service of this.services) {
      const has = service.servers.some(
        (each) => `${each.server.endpoint.address.text}:${each.server.endpoint.port}` === server,
      );
      if (has && kind === "drain") this.drained.add(`${service.name} ${server}`);
      if (has && kind === "undrain") this.drained.delete(`${service.name} ${server}`);
    }
  }
}

function play(event: Event, driver: BalancerDriver, expected: Expectation): BalancerDriver {
  switch (event.kind) {
    case "configure":
      expected.services = event.services;
      driver.give({ kind: "configure", config: { services: event.services } });
      break;
    case "die":
      expected.dead.add(event.server);
      driver.outcomes.set(event.server, failed("refused"));
      break;
    case "recover":
      expected.dead.delete(event.server);
      driver.outcomes.delete(event.server);
      break;
    case "drain":
    case "undrain":
      expected.order(event.kind, event.server);
      driver.give({ kind: event.kind, id: 1, server: endpoint(event.server) });
      break;
    case "tamper":
      driver.kernel.apply([{ kind: "delete-service", key: serviceKey(event.key) }]);
      break;
    case "trouble":
      driver.kernelTrouble = event.on ? "trouble" : undefined;
      break;
    case "pass":
      driver.advance(event.ms);
      break;
    case "restart":
      return restart(driver, expected);
  }
  return driver;
}

function restart(driver: BalancerDriver, expected: Expectation): BalancerDriver {
  driver.give({ kind: "stop" });
  const next = new BalancerDriver(
    driver.saved === undefined ? {} : { saved: driver.saved },
    driver.kernel,
    driver.nowMs,
  );
  for (const server of expected.dead) next.outcomes.set(server, failed("refused"));
  next.give({ kind: "configure", config: { services: expected.services } });
  return next;
}

test("Balancer brings the kernel to what is wanted, whatever happened before", () => {
  fc.assert(
    fc.property(anyServices, fc.array(anyEvent, { maxLength: 30 }), (services, events) => {
      const expected = new Expectation();
      let driver = play({ kind: "configure", services }, new BalancerDriver(), expected);
      for (const event of events) driver = play(event, driver, expected);
      driver.kernelTrouble = undefined;
      driver.advance(SETTLED_MS);
      expect(driver.kernel.weights()).toEqual(expected.weights());
      driver.kernel.asked.length = 0;
      driver.advance(SETTLED_MS);
      expect(driver.kernel.asked).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
