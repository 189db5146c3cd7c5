import { describe, expect, test } from "bun:test";
import { findingsOf, withoutRepetitions } from "../../../../src/cli/status/daemon-findings.ts";
import type { StatusReport } from "../../../../src/daemon/status/status-report.ts";
import type { Finding } from "../../../../src/kernel/machine/preflight.ts";

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
    const warnings = ["both routers have 203.0.113.10"];
    expect(findingsOf(report({ alarms, warnings }))).toEqual([
      { name: "two-owners", severity: "error", text: "both routers have 203.0.113.10", mend: "" },
    ]);
  });

  // "nothing found", while `tandem status` warned.
  test("a warning of the daemon is one of the doctor, with the command that mends it", () => {
    const text = "lvs2 could not serve 198.51.100.10: eth2 is down";
    const warnings = [text, "fail-back is held by an operator"];
    const advice = [{ text, mend: "ip link set eth2 up" }];
    expect(findingsOf(report({ warnings, advice }))).toEqual([
      { name: "daemon-warning", severity: "warning", text, mend: "ip link set eth2 up" },
      { name: "daemon-warning", severity: "warning", text: "fail-back is held by an operator", mend: "" },
    ]);
  });

  test("what is an error already is no warning beside it", () => {
    const warnings = [
      "who has 203.0.113.10 cannot be proven by asking: lvs1's kernel does not answer for it while it has it",
      "lvs2 is not ready to take over: no carrier",
    ];
    const findings = findingsOf(report({ warnings, vips: [{ ...VIP, unprovable: "silent" }] }, "no carrier"));
    expect(findings.map(({ name }) => name)).toEqual(["unprovable-vip", "not-ready"]);
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

describe("withoutRepetitions()", () => {
  const warning = (text: string): Finding => ({ name: "daemon-warning", severity: "warning", text, mend: "" });
  const found = (name: string, text: string): Finding => ({ name, severity: "error", text, mend: "" });

  test.each([
    [
      "lvs1 could not serve 10.0.0.1: there is no interface eth2",
      found("no-interface", "there is no interface eth2"),
      0,
    ],
    ["the kernel has no IPVS, so nothing is balanced here: why", found("no-ipvs", "the kernel has no IPVS: why"), 0],
    ["lvs1 could not serve 10.0.0.1: eth2 is down", found("no-interface", "there is no interface eth3"), 1],
  ])("%s", (text, finding, count) => {
    expect(withoutRepetitions([warning(text)], [finding])).toHaveLength(count);
  });

  test("an alarm stays", () => {
    const alarm = found("unservable-vip", "no router could serve it: there is no interface eth2");
    expect(withoutRepetitions([alarm], [found("no-interface", "there is no interface eth2")])).toEqual([alarm]);
  });
});
