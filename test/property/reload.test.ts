/** What a reload does to the kernel's table is what its plan says; what is refused leaves everything as it was. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Config, ConfiguredService } from "../../src/config/keys/config.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { planReload } from "../../src/daemon/reload/reload-plan.ts";
import type { IpvsChange } from "../../src/model/ipvs-table.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { configuredService, realServer, virtualService } from "../support/balance-fixtures.ts";
import { BalancerDriver } from "../support/balancer-driver.ts";
import { BASE } from "../unit/config/base.ts";

const RUNS = 400;
const SETTLE_MS = 1_000;
const ID = 7;
/** In no table that is in force: for services that the kernel refuses. */
const MISSING = "mh";

const servers = fc.uniqueArray(
  fc.record({ host: fc.integer({ min: 11, max: 15 }), weight: fc.integer({ min: 0, max: 3 }) }),
  {
    selector: ({ host }) => host,
    maxLength: 4,
  },
);

/** A few services with a few servers, so that two drawn at random have much in common. */
function services(schedulers: readonly string[]): fc.Arbitrary<readonly ConfiguredService[]> {
  const one = fc.record({ port: fc.integer({ min: 80, max: 84 }), scheduler: fc.constantFrom(...schedulers), servers });
  return fc.uniqueArray(one, { selector: ({ port }) => port, maxLength: 4 }).map((all) =>
    all.map(({ port, scheduler, servers: hosts }) =>
      configuredService({
        name: `service-${port}`,
        listen: [virtualService(`tcp://203.0.113.10:${port}`, { scheduler })],
        servers: hosts.map(({ host, weight }) => ({ server: realServer(`10.0.0.${host}:80`, { weight }) })),
      }),
    ),
  );
}

const parsed = parseConfig(BASE);
if (!parsed.ok) throw new Error("the base is no configuration");
const BASE_CONFIG: Config = parsed.config;

function running(before: readonly ConfiguredService[]): BalancerDriver {
  const driver = new BalancerDriver();
  driver.give({ kind: "configure", config: { services: before } });
  driver.advance(SETTLE_MS);
  driver.kernel.asked.splice(0);
  return driver;
}

function texts(changes: readonly IpvsChange[]): string[] {
  return changes.map((change) => JSON.stringify(change)).toSorted();
}

function tableOf(driver: BalancerDriver): unknown {
  return [...driver.kernel.observed().values()]
    .map(({ service, servers: all }) => ({
      service,
      servers: all.map(({ server }) => JSON.stringify(server)).toSorted(),
    }))
    .toSorted((a, b) => (formatServiceKey(a.service.key) < formatServiceKey(b.service.key) ? -1 : 1));
}

test("a reload changes in the kernel's table what its plan says, and takes nothing away before all else is there", () => {
  const schedulers = ["rr", "wlc", "sh"];
  fc.assert(
    fc.property(services(schedulers), services(schedulers), (before, after) => {
      const driver = running(before);
      driver.give({ kind: "try", id: ID, config: { services: after } });
      driver.advance(SETTLE_MS);
      expect([driver.take("done"), driver.take("refused")]).toEqual([[{ kind: "done", id: ID }], []]);
      const added = driver.kernel.asked.splice(0);
      expect(added.filter(({ kind }) => kind.startsWith("delete"))).toEqual([]);
      driver.give({ kind: "configure", config: { services: after } });
      driver.advance(SETTLE_MS);
      const interfaces = { public: "eth0", private: "eth1" };
      const plan = planReload({ ...BASE_CONFIG, services: before }, { ...BASE_CONFIG, services: after }, interfaces);
      expect(texts([...added, ...driver.kernel.asked])).toEqual(texts(goneWithTheirService(plan.table)));
      expect(tableOf(driver)).toEqual(tableOf(running(after)));
    }),
    { numRuns: RUNS },
  );
});

/** The kernel takes the servers of a service away with it. */
function goneWithTheirService(changes: readonly IpvsChange[]): IpvsChange[] {
  const gone = new Set(
    changes.flatMap((change) => (change.kind === "delete-service" ? [formatServiceKey(change.key)] : [])),
  );
  return changes.filter((change) => change.kind !== "delete-server" || !gone.has(formatServiceKey(change.key)));
}

test("what the kernel refuses of a trial is told, and the configuration of before is there again as it was", () => {
  const refusable = services(["rr", "wlc", MISSING]).filter((all) =>
    all.some(({ listen: [listen] }) => listen?.scheduler === MISSING),
  );
  fc.assert(
    fc.property(services(["rr", "wlc"]), refusable, (before, after) => {
      const driver = running(before);
      const table = tableOf(driver);
      driver.give({ kind: "try", id: ID, config: { services: after } });
      driver.advance(SETTLE_MS);
      expect(driver.take("refused").map(({ id }) => id)).toEqual([ID]);
      driver.give({ kind: "configure", config: { services: before } });
      driver.advance(SETTLE_MS);
      expect(tableOf(driver)).toEqual(table);
      const ours = new Set(before.flatMap(({ listen }) => listen.map(({ key }) => formatServiceKey(key))));
      const deleted = driver.kernel.asked.flatMap((change) =>
        change.kind === "delete-service" ? [formatServiceKey(change.key)] : [],
      );
      expect(deleted.filter((name) => ours.has(name))).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
