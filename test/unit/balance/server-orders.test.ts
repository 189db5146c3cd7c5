import { expect, test } from "bun:test";
import { giveOrder, type Order } from "../../../src/balance/server-orders.ts";
import { drainsOf, MAX_DRAINS } from "../../../src/balance/servers/drains.ts";
import { unitsOf } from "../../../src/balance/servers/service-units.ts";
import { configuredService, endpoint, serviceKey, virtualService } from "../../support/balance-fixtures.ts";

const LISTEN = [virtualService("tcp://203.0.113.10:80"), virtualService("tcp://203.0.113.10:443")];
const UNITS = [...unitsOf([configuredService({ listen: LISTEN })]).units.values()];
const NONE = drainsOf([]);

function give(order: Omit<Order, "id">, drains = NONE) {
  const result = giveOrder({ ...order, id: 1 } as Order, drains, UNITS);
  return result.ok ? { keys: [...result.value.drains.keys()], touched: result.value.touched } : result.problem;
}

test("giveOrder() drains a server in each service that has it", () => {
  expect(give({ kind: "drain", server: endpoint("10.0.0.11:80") })).toEqual({
    keys: ["tcp://203.0.113.10:80 10.0.0.11:80", "tcp://203.0.113.10:443 10.0.0.11:80"],
    touched: ["tcp://203.0.113.10:80", "tcp://203.0.113.10:443"],
  });
});

test("giveOrder() drains a server of one service, given without its port", () => {
  const order = {
    kind: "drain",
    service: serviceKey("tcp://203.0.113.10:443"),
    server: endpoint("10.0.0.12"),
  } as const;
  expect(give(order)).toEqual({ keys: ["tcp://203.0.113.10:443 10.0.0.12:80"], touched: ["tcp://203.0.113.10:443"] });
});

test("giveOrder() takes an order back", () => {
  const drained = drainsOf([
    { kind: "drain", service: serviceKey("tcp://203.0.113.10:80"), server: endpoint("10.0.0.11:80") },
  ]);
  expect(give({ kind: "undrain", server: endpoint("10.0.0.11:80") }, drained)).toEqual({
    keys: [],
    touched: ["tcp://203.0.113.10:80", "tcp://203.0.113.10:443"],
  });
});

test("giveOrder() without a server is for each one of the service", () => {
  expect(give({ kind: "drain", service: serviceKey("tcp://203.0.113.10:443") })).toEqual({
    keys: ["tcp://203.0.113.10:443 10.0.0.11:80", "tcp://203.0.113.10:443 10.0.0.12:80"],
    touched: ["tcp://203.0.113.10:443"],
  });
});

// It could not be given back: "no configured service has the real server".
test("giveOrder() takes back an order for a server that is not configured any more", () => {
  const left = drainsOf([{ kind: "drain", service: serviceKey("fwmark:7"), server: endpoint("10.0.0.99:80") }]);
  expect(give({ kind: "undrain", server: endpoint("10.0.0.99") }, left)).toEqual({ keys: [], touched: ["fwmark:7"] });
  expect(give({ kind: "weight", service: serviceKey("fwmark:7") }, left)).toEqual({ keys: [], touched: ["fwmark:7"] });
});

test("giveOrder() refuses to make more orders than are kept, as a whole, and takes them back all the same", () => {
  const service = serviceKey("fwmark:7");
  const full = drainsOf(
    Array.from({ length: MAX_DRAINS }, (_, port) => ({ kind: "drain", service, server: endpoint(`10.9.9.9:${port}`) })),
  );
  expect(give({ kind: "drain", service: serviceKey("tcp://203.0.113.10:80") }, full)).toBe(
    "with it there would be more than 10000 orders",
  );
  expect(give({ kind: "undrain", service }, full)).toMatchObject({ keys: [] });
});

test.each([
  [{ kind: "drain", service: serviceKey("fwmark:7") }, "the configuration has no real server of fwmark:7"],
  [{ kind: "drain", server: endpoint("10.9.9.9:80") }, "no configured service has the real server 10.9.9.9:80"],
  [
    { kind: "drain", service: serviceKey("fwmark:7"), server: endpoint("10.0.0.11:80") },
    "fwmark:7 has no real server 10.0.0.11:80",
  ],
] as const)("giveOrder() refuses %j", (order, reason) => {
  expect(give(order)).toBe(reason);
});
