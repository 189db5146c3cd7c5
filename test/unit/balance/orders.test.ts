import { expect, test } from "bun:test";
import { drainsOf } from "../../../src/balance/drains.ts";
import { giveOrder, type Order } from "../../../src/balance/orders.ts";
import { unitsOf } from "../../../src/balance/units.ts";
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

test.each([
  [{ kind: "drain", server: endpoint("10.9.9.9:80") }, "no configured service has the real server 10.9.9.9:80"],
  [
    { kind: "drain", service: serviceKey("fwmark:7"), server: endpoint("10.0.0.11:80") },
    "fwmark:7 has no real server 10.0.0.11:80",
  ],
] as const)("giveOrder() refuses %j", (order, reason) => {
  expect(give(order)).toBe(reason);
});
