import { expect, test } from "bun:test";
import fc from "fast-check";
import { noteChange } from "../../src/balance/table/apply-change.ts";
import { type PlannedService, planTable } from "../../src/balance/table/table-plan.ts";
import { type RealServer, realServerKey } from "../../src/model/real-server.ts";
import { formatServiceKey, SCHEDULER_FLAGS, type VirtualService } from "../../src/model/virtual-service.ts";
import { endpoint, serviceKey } from "../support/balance-fixtures.ts";
import { SimulatedIpvs } from "../support/simulated-ipvs.ts";

const KEYS = ["tcp://203.0.113.1:80", "udp://203.0.113.1:53", "tcp://[2001:db8::1]:80", "fwmark:7"];
/** Not of our configuration. */
const FOREIGN = "tcp://198.51.100.9:25";

const anyServer: fc.Arbitrary<RealServer> = fc
  .record({
    endpoint: fc.constantFrom("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.3:81").map(endpoint),
    forward: fc.constantFrom("nat", "direct", "tunnel"),
    weight: fc.integer({ min: 0, max: 3 }),
    lowerThreshold: fc.integer({ min: 0, max: 1 }),
    upperThreshold: fc.integer({ min: 1, max: 2 }),
  })
  .map((server) => server as RealServer);

const anyServers = fc.uniqueArray(anyServer, { selector: realServerKey, maxLength: 4 });

function anyService(key: string): fc.Arbitrary<VirtualService> {
  return fc
    .record({
      scheduler: fc.constantFrom("rr", "wlc", "sh"),
      schedulerFlags: fc.subarray([...SCHEDULER_FLAGS]),
      onePacket: fc.boolean(),
      persistent: fc.boolean(),
    })
    .map(({ persistent, ...service }) => ({
      ...service,
      key: serviceKey(key),
      ...(persistent ? { persistence: { timeoutSeconds: 300, prefixLength: 32 } } : {}),
    }));
}

function anyTable(keys: readonly string[]): fc.Arbitrary<ReadonlyMap<string, PlannedService>> {
  const entries = keys.map((key) =>
    fc.record({ service: anyService(key), servers: anyServers, undecided: fc.constant([] as readonly RealServer[]) }),
  );
  return fc
    .tuple(...entries.map((entry) => fc.option(entry)))
    .map(
      (services) =>
        new Map(services.flatMap((each) => (each === null ? [] : [[formatServiceKey(each.service.key), each]]))),
    );
}

function kernelOf(table: ReadonlyMap<string, PlannedService>): SimulatedIpvs {
  const kernel = new SimulatedIpvs();
  const failures = kernel.apply(planTable(table, new Map(), new Map()));
  expect(failures.filter((failure) => failure !== undefined)).toEqual([]);
  kernel.asked.length = 0;
  return kernel;
}

function content(kernel: SimulatedIpvs) {
  return Object.fromEntries(
    [...kernel.observed()].map(([name, { service, servers }]) => [
      name,
      { service, servers: Object.fromEntries(servers.map(({ server }) => [realServerKey(server), server])) },
    ]),
  );
}

test("planTable() makes any table into any other: nothing is refused, and a second plan is empty", () => {
  fc.assert(
    fc.property(anyTable([...KEYS, FOREIGN]), anyTable(KEYS), (before, after) => {
      const kernel = kernelOf(before);
      const retired = new Map(KEYS.map((key) => [key, serviceKey(key)]));
      const changes = planTable(after, kernel.observed(), retired);
      expect(kernel.apply(changes).filter((failure) => failure !== undefined)).toEqual([]);
      expect(planTable(after, kernel.observed(), retired)).toEqual([]);
      const foreign = before.get(FOREIGN);
      const wanted = kernelOf(foreign === undefined ? after : new Map([...after, [FOREIGN, foreign]]));
      expect(content(kernel)).toEqual(content(wanted));
    }),
    { numRuns: 1_000 },
  );
});

test("planTable() sends at most one message for each difference", () => {
  fc.assert(
    fc.property(anyTable(KEYS), anyTable(KEYS), (before, after) => {
      const changes = planTable(after, kernelOf(before).observed(), new Map());
      const subjects = changes.map((change) => {
        const service = "service" in change ? change.service.key : change.key;
        const server = "server" in change ? change.server.endpoint : "endpoint" in change ? change.endpoint : "";
        return JSON.stringify([service, server]);
      });
      expect(new Set(subjects).size).toBe(subjects.length);
    }),
    { numRuns: 500 },
  );
});

test("noteChange() keeps a copy of the table that is as the kernel's own", () => {
  fc.assert(
    fc.property(anyTable(KEYS), anyTable(KEYS), (before, after) => {
      const kernel = kernelOf(before);
      const copy = kernel.observed();
      const changes = planTable(after, copy, new Map(KEYS.map((key) => [key, serviceKey(key)])));
      kernel.apply(changes);
      for (const change of changes) noteChange(copy, change);
      expect(planTable(after, copy, new Map())).toEqual([]);
      expect([...copy.keys()].sort()).toEqual([...kernel.table.keys()].sort());
    }),
    { numRuns: 500 },
  );
});
