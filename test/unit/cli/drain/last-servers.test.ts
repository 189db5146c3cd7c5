import { describe, expect, test } from "bun:test";
import type { CheckReport } from "../../../../src/balance/servers/check-report.ts";
import { lastConfigured, lastInKernel } from "../../../../src/cli/drain/last-servers.ts";
import { NO_TRAFFIC } from "../../../../src/model/ipvs-table.ts";
import { realServer, virtualService } from "../../../support/balance-fixtures.ts";

const WEB = "tcp://203.0.113.10:80";
const WARNING = `${WEB}: no other real server of it has work: new clients are refused, or go to its sorry server`;

function check(server: string, more: Partial<CheckReport> = {}): CheckReport {
  const base = { service: "web", listen: WEB, server, forward: "nat", kind: "tcp", drained: false, weight: 1 } as const;
  return { ...base, verdict: "up", ...more };
}

const { weight: _weight, ...WITHOUT_VERDICT } = check("10.0.0.12:80", { verdict: "unknown" });
const FIRST = `${WEB} 10.0.0.11:80`;

// The last one was drained without a word.
describe("lastConfigured()", () => {
  test.each<[string, CheckReport]>([
    ["drained", check("10.0.0.12:80", { drained: true, weight: 0 })],
    ["down", check("10.0.0.12:80", { verdict: "down" })],
    ["without a weight", check("10.0.0.12:80", { weight: 0 })],
  ])("warns where the other one is %s", (_how, other) => {
    expect(lastConfigured([check("10.0.0.11:80"), other], new Set([FIRST]))).toEqual([WARNING]);
  });

  test.each<[string, readonly CheckReport[]]>([
    ["another one is up", [check("10.0.0.11:80"), check("10.0.0.12:80")]],
    ["another one has no verdict yet", [check("10.0.0.11:80"), WITHOUT_VERDICT]],
    ["it had no work before either", [check("10.0.0.11:80", { verdict: "down" })]],
    [
      "another service loses nothing",
      [check("10.0.0.11:80"), check("10.0.0.12:80"), check("x", { listen: "fwmark:7" })],
    ],
  ])("is silent where %s", (_why, checks) => {
    expect(lastConfigured(checks, new Set([FIRST]))).toEqual([]);
  });
});

test("lastInKernel() goes by the weights of the kernel's table", () => {
  const counts = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, stats: NO_TRAFFIC };
  const table = (weight: number) => [
    {
      service: virtualService(WEB),
      stats: NO_TRAFFIC,
      servers: [
        { server: realServer("10.0.0.11:80"), ...counts },
        { server: realServer("10.0.0.12:80", { weight }), ...counts },
      ],
    },
  ];
  expect([lastInKernel(table(0), new Set([FIRST])), lastInKernel(table(1), new Set([FIRST]))]).toEqual([[WARNING], []]);
});
