import { expect, test } from "bun:test";
import fc from "fast-check";
import { planUndo } from "../../src/balance/table/undo.ts";
import type { IpvsChange } from "../../src/model/ipvs-table.ts";
import { endpoint, realServer, serviceKey, virtualService } from "../support/balance-fixtures.ts";
import { SimulatedIpvs } from "../support/simulated-ipvs.ts";

const serviceText = fc.constantFrom("tcp://203.0.113.1:80", "tcp://203.0.113.2:80", "fwmark:7");
const serverText = fc.constantFrom("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80");
const service = fc
  .tuple(serviceText, fc.constantFrom("rr", "wlc", "no-such"))
  .map(([text, scheduler]) => virtualService(text, { scheduler }));
const server = fc.tuple(serverText, fc.nat(3)).map(([text, weight]) => realServer(text, { weight }));

const change: fc.Arbitrary<IpvsChange> = fc.oneof(
  fc.record({ kind: fc.constantFrom("add-service" as const, "edit-service" as const), service }),
  fc.record({ kind: fc.constant("delete-service" as const), key: serviceText.map(serviceKey) }),
  fc.record({
    kind: fc.constantFrom("add-server" as const, "edit-server" as const),
    key: serviceText.map(serviceKey),
    server,
  }),
  fc.record({
    kind: fc.constant("delete-server" as const),
    key: serviceText.map(serviceKey),
    endpoint: serverText.map(endpoint),
  }),
);

/** The table without its order. */
function contents(kernel: SimulatedIpvs): unknown {
  return Object.fromEntries(
    [...kernel.table].map(([name, entry]) => [
      name,
      { service: entry.service, servers: Object.fromEntries(entry.servers) },
    ]),
  );
}

test("planUndo() brings back the table, whichever of the changes were made", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), fc.array(change, { maxLength: 12 }), (earlier, changes) => {
      const kernel = new SimulatedIpvs();
      kernel.apply(earlier);
      const before = kernel.observed();
      const wanted = contents(kernel);
      kernel.apply(changes);
      const undone = kernel.apply(planUndo(changes, before, kernel.observed()));
      expect({ table: contents(kernel), refused: undone.filter((error) => error !== undefined) }).toEqual({
        table: wanted,
        refused: [],
      });
    }),
    { numRuns: 500 },
  );
});
