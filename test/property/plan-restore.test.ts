import { expect, test } from "bun:test";
import fc from "fast-check";
import { planRestore } from "../../src/balance/table/plan-restore.ts";
import { planService } from "../../src/balance/table/table-plan.ts";
import type { IpvsChange, ObservedService, WantedService } from "../../src/model/ipvs-table.ts";
import { observedTable, tableRows } from "../../src/model/server-rows.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { anyTable } from "../support/table-arbitrary.ts";

/** A plan made from rows is the plan made from objects, service by service. */

/** The plan as it is said: service by service, each by `planService`, then the removals. */
function planWhole(
  wanted: readonly WantedService[],
  before: ReadonlyMap<string, ObservedService>,
  keepOthers: boolean,
): IpvsChange[] {
  const names = new Set(wanted.map(({ service }) => formatServiceKey(service.key)));
  const changes = wanted.flatMap((entry) => planService(entry, before.get(formatServiceKey(entry.service.key))));
  const others = [...before].filter(([name]) => !keepOthers && !names.has(name));
  return [...changes, ...others.map(([, { service }]) => ({ kind: "delete-service" as const, key: service.key }))];
}

/** Any tables, and those whose servers are all set alike, as most are. */
const tables = fc.oneof(
  anyTable,
  anyTable.map((table) =>
    table.map(({ service, servers }) => ({
      service,
      servers: servers.map(({ endpoint }) => ({
        ...{ endpoint, forward: "nat" as const },
        ...{ weight: 1, upperThreshold: 0, lowerThreshold: 0 },
      })),
    })),
  ),
);

/** The kernel's table after somebody was at it: pieces are gone, others set otherwise, the order is another. */
const pairs = fc.tuple(tables, anyTable, fc.infiniteStream(fc.nat(11))).map(([wanted, foreign, choices]) => {
  const choose = (): number => choices.next().value as number;
  const kept = wanted.flatMap(({ service, servers }): WantedService[] => {
    const choice = choose();
    if (choice === 0) return [];
    const shown = servers.flatMap((server) => {
      const change = choose();
      if (change === 0) return [];
      if (change === 1) return [{ ...server, weight: server.weight + 1 }];
      // What the kernel makes of a server on an address of its own.
      if (change === 3) return [{ ...server, forward: "local" as const }];
      if (change === 4) return [{ ...server, endpoint: { ...server.endpoint, port: server.endpoint.port ^ 1 } }];
      return [change === 2 ? { ...server, upperThreshold: server.upperThreshold + 1 } : server];
    });
    // As the kernel lists them: what came last is first.
    const ordered = choice < 4 ? shown : shown.toReversed();
    return [{ service: choice === 1 ? { ...service, scheduler: "lc" } : service, servers: ordered }];
  });
  const names = new Set(wanted.map(({ service }) => formatServiceKey(service.key)));
  const others = foreign.filter(({ service }) => !names.has(formatServiceKey(service.key)));
  return { wanted, present: [...kept, ...others].toReversed() };
});

/** The services of `before` that the changes are about. */
function touched(changes: readonly IpvsChange[], before: ReadonlyMap<string, ObservedService>): ObservedService[] {
  const names = new Set(
    changes.flatMap((change) => {
      if (change.kind === "zero") return [];
      return formatServiceKey("service" in change ? change.service.key : change.key);
    }),
  );
  return [...names].flatMap((name) => before.get(name) ?? []);
}

test("planRestore() plans what planService() plans for each service, and knows what there was", () => {
  fc.assert(
    fc.property(pairs, fc.boolean(), ({ wanted, present }, keepOthers) => {
      const observed = tableRows(present);
      const before = new Map(observedTable(observed).map((entry) => [formatServiceKey(entry.service.key), entry]));
      const changes = planWhole(wanted, before, keepOthers);
      const quick = planRestore(tableRows(wanted), observed, keepOthers);
      expect(quick.changes).toEqual(changes);
      expect(touched(quick.changes, quick.before)).toEqual(touched(changes, before));
    }),
    { numRuns: 500 },
  );
});

test("planRestore() plans nothing for a table that is there, in whatever order its servers are", () => {
  fc.assert(
    fc.property(anyTable, fc.boolean(), (table, isReversed) => {
      const present = table.map((entry) => (isReversed ? { ...entry, servers: entry.servers.toReversed() } : entry));
      const quick = planRestore(tableRows(table), tableRows(present), false);
      expect({ changes: quick.changes, before: quick.before.size }).toEqual({ changes: [], before: 0 });
    }),
  );
});
