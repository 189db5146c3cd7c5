import { describe, expect, test } from "bun:test";
import { findingsOf } from "../../../src/cli/daemon-findings.ts";
import type { StatusReport } from "../../../src/daemon/status-report.ts";

const VIP = {
  address: "203.0.113.10/24",
  interface: "eth0",
  label: null,
  owner: "primary",
  leaseLeftMs: null,
  confirmed: null,
  confirmable: true,
  unfit: { primary: null, backup: null },
  contestedBy: null,
  unprovable: null,
} as const;

function report(change: Partial<StatusReport>, notReady: string | null = null): StatusReport {
  const router = { name: "lvs2", role: "standby", notReady };
  const peer = { name: "lvs1", role: "active", alive: true };
  return { router, peer, alarms: [], warnings: [], advice: [], vips: [VIP], ...change } as unknown as StatusReport;
}

describe("findingsOf()", () => {
  test("finds nothing in a pair that is well", () => {
    expect(findingsOf(report({}))).toEqual([]);
  });

  test("an alarm is an error", () => {
    const alarms = [{ kind: "two-owners", text: "both routers have 203.0.113.10" }] as const;
    expect(findingsOf(report({ alarms }))).toMatchObject([{ name: "two-owners", severity: "error" }]);
  });

  test.each([
    ["silent", "does not answer ARP"],
    ["answers", "although it does not have it"],
  ] as const)("a VIP that cannot be proven is an error: %s", (unprovable, words) => {
    const [finding] = findingsOf(report({ vips: [{ ...VIP, unprovable }] }));
    expect([finding?.severity, finding?.text.includes(words)]).toEqual(["error", true]);
  });

  test("a standby that could not take over is an error, with the reason", () => {
    const [finding] = findingsOf(report({}, "no carrier on any side of the VIPs"));
    expect(finding?.text).toBe("lvs2 could not take over: no carrier on any side of the VIPs");
  });
});
