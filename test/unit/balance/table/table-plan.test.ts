import { describe, expect, test } from "bun:test";
import { type PlannedService, planTable } from "../../../../src/balance/table/table-plan.ts";
import type { IpvsChange } from "../../../../src/model/ipvs-table.ts";
import type { RealServer } from "../../../../src/model/real-server.ts";
import { formatServiceKey, type VirtualService } from "../../../../src/model/virtual-service.ts";
import { realServer, serviceKey, virtualService } from "../../../support/balance-fixtures.ts";
import { SimulatedIpvs } from "../../../support/simulated-ipvs.ts";

const WEB = virtualService("tcp://203.0.113.10:80");
const A = realServer("10.0.0.11:80");
const B = realServer("10.0.0.12:80");
const C = realServer("10.0.0.13:80");
const key = WEB.key;

function planned(service: VirtualService, servers: readonly RealServer[], undecided: readonly RealServer[] = []) {
  return new Map<string, PlannedService>([[formatServiceKey(service.key), { service, servers, undecided }]]);
}

function kernel(service: VirtualService, servers: readonly RealServer[]): SimulatedIpvs {
  const simulated = new SimulatedIpvs();
  simulated.apply([
    { kind: "add-service", service },
    ...servers.map((server): IpvsChange => ({ kind: "add-server", key: service.key, server })),
  ]);
  return simulated;
}

const NONE = new Map();

describe("planTable()", () => {
  test("adds a service before its servers", () => {
    expect(planTable(planned(WEB, [A, B]), NONE, NONE)).toEqual([
      { kind: "add-service", service: WEB },
      { kind: "add-server", key, server: A },
      { kind: "add-server", key, server: B },
    ]);
  });

  test("is empty when the kernel has what is wanted, in whatever order", () => {
    expect(planTable(planned(WEB, [A, B]), kernel(WEB, [B, A]).observed(), NONE)).toEqual([]);
  });

  test("adds and edits servers before it deletes others", () => {
    const heavier = { ...B, weight: 5 };
    expect(planTable(planned(WEB, [heavier, C]), kernel(WEB, [A, B]).observed(), NONE)).toEqual([
      { kind: "add-server", key, server: C },
      { kind: "edit-server", key, server: heavier },
      { kind: "delete-server", key, endpoint: A.endpoint },
    ]);
  });

  test.each<[string, Partial<RealServer>]>([
    ["weight", { weight: 9 }],
    ["forwarding", { forward: "direct" }],
    ["upper threshold", { upperThreshold: 10 }],
    ["lower threshold", { upperThreshold: 10, lowerThreshold: 5 }],
  ])("sends one message for a changed %s", (_what, change) => {
    const server = { ...A, ...change };
    expect(planTable(planned(WEB, [server]), kernel(WEB, [A]).observed(), NONE)).toEqual([
      { kind: "edit-server", key, server },
    ]);
  });

  test("sends one message for a changed tunnel, and none for the plain one left out", () => {
    const plain = realServer("10.0.0.11:80", {
      forward: "tunnel",
      tunnel: { type: "ipip", port: 0, checksum: "none" },
    });
    const { tunnel: _tunnel, ...unsaid } = plain;
    const gue: RealServer = { ...plain, tunnel: { type: "gue", port: 6080, checksum: "none" } };
    const { table } = { table: kernel(WEB, [plain]).observed() };
    expect([planTable(planned(WEB, [unsaid]), table, NONE), planTable(planned(WEB, [gue]), table, NONE)]).toEqual([
      [],
      [{ kind: "edit-server", key, server: gue }],
    ]);
  });

  test("takes a local address for as wanted, since the kernel shows no other forwarding for it", () => {
    const local = { ...A, forward: "local" } as const;
    expect(planTable(planned(WEB, [A]), kernel(WEB, [local]).observed(), NONE)).toEqual([]);
  });

  test.each<[string, Partial<VirtualService>]>([
    ["scheduler", { scheduler: "rr" }],
    ["flags", { schedulerFlags: ["flag-1"] }],
    ["one-packet scheduling", { onePacket: true }],
    ["persistence", { persistence: { timeoutSeconds: 300, prefixLength: 32 } }],
  ])("edits the service for a changed %s", (_what, change) => {
    const service = { ...WEB, ...change };
    expect(planTable(planned(service, [A]), kernel(WEB, [A]).observed(), NONE)).toEqual([
      { kind: "edit-service", service },
    ]);
  });

  test("leaves undecided servers as the kernel has them", () => {
    const quiesced = { ...B, weight: 0 };
    expect(planTable(planned(WEB, [A], [B, C]), kernel(WEB, [A, quiesced]).observed(), NONE)).toEqual([]);
  });

  test("leaves foreign services alone, and deletes those that were ours", () => {
    const observed = new Map([...kernel(WEB, [A]).observed(), ...kernel(virtualService("fwmark:7"), [B]).observed()]);
    const retired = new Map([["fwmark:7", serviceKey("fwmark:7")]]);
    expect([planTable(NONE, observed, NONE), planTable(NONE, observed, retired)]).toEqual([
      [],
      [{ kind: "delete-service", key: serviceKey("fwmark:7") }],
    ]);
  });
});
