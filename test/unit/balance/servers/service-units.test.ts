import { expect, test } from "bun:test";
import { unitsOf } from "../../../../src/balance/servers/service-units.ts";
import type { Check } from "../../../../src/model/health-check.ts";
import {
  checked,
  configuredService,
  realServer,
  TCP_CHECK,
  virtualService,
} from "../../../support/balance-fixtures.ts";

const PROGRAM: Check = { ...TCP_CHECK, method: { kind: "external", command: ["/bin/true"], user: "nobody" } };

test("unitsOf() makes a unit for each address of a service", () => {
  const listen = [virtualService("tcp://203.0.113.10:80"), virtualService("tcp://203.0.113.10:443")];
  expect([...unitsOf([configuredService({ listen })]).units.keys()]).toEqual([
    "tcp://203.0.113.10:80",
    "tcp://203.0.113.10:443",
  ]);
});

test("unitsOf() shares a probe among services with the same target and check", () => {
  const services = [1, 2, 3].map((last) =>
    configuredService({ name: `s${last}`, listen: [virtualService(`tcp://203.0.113.${last}:80`)] }),
  );
  const { probes, unitsOfProbe } = unitsOf(services);
  expect(probes.size).toBe(2);
  expect([...unitsOfProbe.values()].map((units) => units.map((unit) => unit.config.name))).toEqual([
    ["s1", "s2", "s3"],
    ["s1", "s2", "s3"],
  ]);
});

test("unitsOf() gives probes of different timing apart, with the same subject", () => {
  const services = [TCP_CHECK, { ...TCP_CHECK, intervalMs: 5_000 }].map((check, index) =>
    configuredService({
      listen: [virtualService(`tcp://203.0.113.1:${80 + index}`)],
      servers: [checked("10.0.0.1:80", check)],
    }),
  );
  const probes = [...unitsOf(services).probes.values()];
  expect([probes.length, new Set(probes.map(({ subject }) => subject)).size]).toEqual([2, 1]);
});

test("unitsOf() tells a program about its service, so that services do not share it", () => {
  const listen = [virtualService("tcp://203.0.113.1:80"), virtualService("tcp://203.0.113.2:80")];
  const { probes } = unitsOf([configuredService({ listen, servers: [checked("10.0.0.1:80", PROGRAM)] })]);
  expect([...probes.values()].map(({ target }) => target.serviceAddress?.text)).toEqual(["203.0.113.1", "203.0.113.2"]);
});

test("unitsOf() gives a server without a port the service's, and leaves it without one behind a mark", () => {
  const listen = [virtualService("tcp://203.0.113.1:8080"), virtualService("fwmark:7")];
  const { units } = unitsOf([configuredService({ listen, servers: [{ server: realServer("10.0.0.1") }] })]);
  expect([...units.values()].map((unit) => unit.servers.map(({ name }) => name))).toEqual([
    ["10.0.0.1:8080"],
    ["10.0.0.1:0"],
  ]);
});
