import { expect, test } from "bun:test";
import { type IpvsConnection, isClientMemory } from "../../../src/model/ipvs-connection.ts";
import { endpointOf } from "../../support/must.ts";

const MEMORY: IpvsConnection = {
  protocol: "tcp",
  client: endpointOf("198.51.100.7:0"),
  virtual: endpointOf("203.0.113.10:80"),
  server: endpointOf("10.0.0.11:80"),
  state: "NONE",
  expiresSeconds: 300,
};

test("isClientMemory() knows a client's memory before and after its first connection was established", () => {
  const of = (more: Partial<IpvsConnection>) => isClientMemory({ ...MEMORY, ...more });
  expect([
    of({}),
    of({ state: "ASSURED" }),
    of({ state: "LISTEN" }),
    of({ client: endpointOf("198.51.100.7:80") }),
  ]).toEqual([true, true, false, false]);
});
