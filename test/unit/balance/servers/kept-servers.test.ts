import { describe, expect, test } from "bun:test";
import { keep, keptOf, MAX_KEPT, routesAnswers, withKept } from "../../../../src/balance/servers/kept-servers.ts";
import { unitsOf } from "../../../../src/balance/servers/service-units.ts";
import type { ConfiguredService } from "../../../../src/config/keys/config.ts";
import { type KeepOrder, type KeptServer, keptText } from "../../../../src/model/kept-server.ts";
import type { ServerSettings } from "../../../../src/model/server-settings.ts";
import {
  checked,
  configuredService,
  endpoint,
  realServer,
  serviceKey,
  TCP_CHECK,
} from "../../../support/balance-fixtures.ts";

const WEB = "tcp://203.0.113.10:80";
const SETTINGS = { forward: "nat", weight: 5, upperThreshold: 0, lowerThreshold: 0 } as const;
const UNSET: ServerSettings = {
  forward: undefined,
  weight: undefined,
  upperThreshold: undefined,
  lowerThreshold: undefined,
  tunnelType: undefined,
  tunnelPort: undefined,
  tunnelChecksum: undefined,
};

function kept(server: string, change: KeptServer["change"], service = WEB): KeptServer {
  return { service: serviceKey(service), server: endpoint(server), change };
}

const PRESENT = { kind: "present", settings: SETTINGS } as const;
const ABSENT = { kind: "absent" } as const;

describe("withKept()", () => {
  const CONFIGURED = [checked("10.0.0.11:80"), checked("10.0.0.12:80")];
  test("adds, changes and leaves out; each keeps its checks, and an added one gets those of the service", () => {
    const slow = { ...TCP_CHECK, intervalMs: 9_000 };
    const configured = [checked("10.0.0.11:80", slow), ...CONFIGURED.slice(1), checked("10.0.0.14:80")];
    expect(
      withKept({ servers: configured }, [
        kept("10.0.0.11:80", PRESENT),
        kept("10.0.0.12:80", ABSENT),
        kept("10.0.0.13:80", PRESENT),
        kept("10.0.0.99:80", ABSENT),
      ]),
    ).toEqual([
      checked("10.0.0.11:80", slow, { weight: 5 }),
      checked("10.0.0.14:80"),
      checked("10.0.0.13:80", TCP_CHECK, { weight: 5 }),
    ]);
  });

  test("an added server is not checked where the others are not, nor where there is no other", () => {
    const added = { server: realServer("10.0.0.13:80", { weight: 5 }) };
    expect(
      withKept({ servers: [{ server: realServer("10.0.0.11:80") }] }, [kept("10.0.0.13:80", PRESENT)]).at(-1),
    ).toEqual(added);
    expect(withKept({ servers: [], template: { forward: "nat" } }, [kept("10.0.0.13:80", PRESENT)])).toEqual([added]);
  });

  test("the first server of a service is checked as the service says", () => {
    const template = { forward: "direct", check: TCP_CHECK } as const;
    const added = checked("10.0.0.13:80", TCP_CHECK, { weight: 5 });
    expect(withKept({ servers: [], template }, [kept("10.0.0.13:80", PRESENT)])).toEqual([added]);
  });

  test("is for the virtual service that it names", () => {
    const changes = keptOf([kept("10.0.0.12:80", ABSENT), kept("10.0.0.12:80", ABSENT, "fwmark:7")]);
    const names = [...unitsOf([configuredService()], changes).units.values()].map(({ key, servers }) => [
      key,
      servers.map(({ name }) => name),
    ]);
    expect(names).toEqual([[WEB, ["10.0.0.11:80"]]]);
  });
});

describe("keep()", () => {
  function ordered(
    order: KeepOrder,
    server: string,
    before: readonly KeptServer[] = [],
    service: Partial<ConfiguredService> = {},
  ) {
    const services = [configuredService(service)];
    const [configured] = unitsOf(services).units.values();
    const [current] = unitsOf(services, keptOf(before)).units.values();
    if (configured === undefined || current === undefined) throw new Error("the service is there");
    const result = keep(
      order,
      { service: serviceKey(WEB), server: endpoint(server) },
      { configured, current, hasNat: routesAnswers(services, "inet") },
      keptOf(before),
    );
    if (!result.ok) return result.problem;
    const { made } = result.value;
    return {
      made: made === undefined ? "nothing" : keptText(made.change),
      kept: [...result.value.kept.values()].map((one) => `${one.server.address.text} ${keptText(one.change)}`),
    };
  }
  const add = (settings: Partial<ServerSettings> = {}, orEdit = false): KeepOrder => {
    return { kind: "add", settings: { ...UNSET, ...settings }, orEdit };
  };
  const edit = (settings: Partial<ServerSettings>): KeepOrder => ({
    kind: "edit",
    settings: { ...UNSET, ...settings },
  });
  const del = { kind: "del", ifExists: false } as const;
  const reset = { kind: "reset" } as const;

  test.each<[string, KeepOrder, string, readonly KeptServer[], string, readonly string[]]>([
    ["a new server", add({ weight: 3 }), "10.0.0.13:80", [], "nat, weight 3", ["10.0.0.13 nat, weight 3"]],
    [
      "an added one, edited",
      edit({ weight: 9 }),
      "10.0.0.13:80",
      [kept("10.0.0.13:80", PRESENT)],
      "nat, weight 9",
      ["10.0.0.13 nat, weight 9"],
    ],
    [
      "a configured one, edited",
      edit({ upperThreshold: 50 }),
      "10.0.0.11:80",
      [],
      "nat, weight 1, thresholds 0 to 50",
      ["10.0.0.11 nat, weight 1, thresholds 0 to 50"],
    ],
    [
      "a configured one, by --or-edit",
      add({ weight: 2 }, true),
      "10.0.0.11:80",
      [],
      "nat, weight 2",
      ["10.0.0.11 nat, weight 2"],
    ],
    ["a configured one, removed", del, "10.0.0.11:80", [], "removed", ["10.0.0.11 removed"]],
    ["an added one, removed", del, "10.0.0.13:80", [kept("10.0.0.13:80", PRESENT)], "as configured", []],
    [
      "a removed one, added again",
      add(),
      "10.0.0.11:80",
      [kept("10.0.0.11:80", ABSENT)],
      "nat, weight 1",
      ["10.0.0.11 nat, weight 1"],
    ],
    ["a removed one, reset", reset, "10.0.0.11:80", [kept("10.0.0.11:80", ABSENT)], "as configured", []],
    ["one that is not there, removed", { kind: "del", ifExists: true }, "10.0.0.99:80", [], "nothing", []],
  ])("takes %s", (_what, order, server, before, made, left) => {
    expect(ordered(order, server, before)).toEqual({ made, kept: [...left] });
  });

  test.each<[KeepOrder, string, string]>([
    [add(), "10.0.0.11:80", `${WEB} has 10.0.0.11:80 already; --or-edit changes it`],
    [edit({ weight: 2 }), "10.0.0.99:80", `${WEB} has no real server 10.0.0.99:80`],
    [del, "10.0.0.99:80", `${WEB} has no real server 10.0.0.99:80`],
    [reset, "10.0.0.11:80", `nothing was changed of real server 10.0.0.11:80 of ${WEB} at run time`],
    [
      add({ forward: "direct" }),
      "10.0.0.13:81",
      "with --forward direct packets keep their port, so the server's must be 80",
    ],
    [
      add(),
      "[2001:db8::1]:80",
      `[2001:db8::1]:80 and ${WEB} are of two families, which only --forward tunnel can bridge`,
    ],
    [add(), "203.0.113.10:8080", "203.0.113.10:8080 has the address of the service itself"],
    [add(), "10.0.0.13:0", "there is no port to check at 10.0.0.13:0: its service has none"],
    [edit({ lowerThreshold: 5 }), "10.0.0.11:80", "the lower threshold 5 is above the upper one 0"],
  ])("refuses %j of %s", (order, server, reason) => {
    expect(ordered(order, server)).toBe(reason);
  });

  test("reaches a new one as most of its service's are, and not by NAT where nothing else is", () => {
    const direct = { servers: [checked("10.0.0.11:80", TCP_CHECK, { forward: "direct" })] };
    expect(ordered(add(), "10.0.0.13:80", [], direct)).toMatchObject({ made: "direct, weight 1" });
    expect(ordered(add(), "10.0.0.13:80", [], { servers: [], template: { forward: "direct" } })).toMatchObject({
      made: "direct, weight 1",
    });
    expect(ordered(add({ forward: "nat" }), "10.0.0.13:80", [], direct)).toBe(
      "nothing in the configuration is reached by --forward nat, so the routers would not route its answers",
    );
  });

  test("gives back what is kept of a service that is not configured any more, and does nothing else with one", () => {
    const at = { service: serviceKey("fwmark:7"), server: endpoint("10.0.0.11:80") };
    const before = keptOf([kept("10.0.0.11:80", ABSENT, "fwmark:7")]);
    const made = { ...at, change: { kind: "none" as const } };
    expect(keep(reset, at, undefined, before)).toEqual({ ok: true, value: { kept: new Map(), made } });
    expect(keep(del, at, undefined, before)).toEqual({
      ok: false,
      problem: "the configuration has no service fwmark:7",
    });
  });

  test("refuses more than are kept, and gives back all the same", () => {
    const many = Array.from({ length: MAX_KEPT }, (_, port) => kept(`10.9.9.9:${port}`, PRESENT));
    expect(ordered(add(), "10.0.0.13:80", many)).toBe(
      "there are 1000 changed real servers already; write them into the configuration",
    );
    expect(ordered(reset, "10.9.9.9:7", many)).toMatchObject({ made: "as configured" });
  });
});
