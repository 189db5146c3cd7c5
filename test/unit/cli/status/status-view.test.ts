import { describe, expect, test } from "bun:test";
import { pathLines, stateExitCode, statusLines } from "../../../../src/cli/status/status-view.ts";
import type { StatusReport } from "../../../../src/daemon/status/status-report.ts";
import { NO_TROUBLE, RELOADED } from "../../../support/upkeep.ts";

const REPORT: StatusReport = {
  version: 1,
  ...NO_TROUBLE,
  reload: RELOADED,
  sync: {
    wanted: 50,
    present: 49,
    fullSync: true,
    working: false,
    lastFullSync: { agoMs: 3_000, entries: 61, tookMs: 20 },
    failure: null,
    text: "connections: lvs2 knows 49 of 50 (98 %); told of 61 entries 3s ago",
  },
  software: "0.1.0",
  at: "2026-11-22T19:00:00.000Z",
  router: {
    id: "primary",
    name: "lvs1",
    role: "active",
    doing: "active",
    sinceMs: 754_000,
    term: 4,
    doingSinceMs: 754_000,
    held: false,
    notReady: null,
    next: "stays active; lvs2 is ready to take over",
    failback: "none",
    pid: 1,
    uptimeMs: 9_000_000,
    configFingerprint: "0123456789abcdef",
  },
  peer: {
    id: "backup",
    name: "lvs2",
    alive: true,
    role: "standby",
    term: 4,
    heardMsAgo: 120,
    software: "0.1.0",
    sameConfig: false,
    differingKeys: null,
    missingKeys: null,
  },
  paths: [
    {
      path: "public",
      interface: "eth0",
      up: true,
      carrier: true,
      heardMsAgo: 120,
      peerHeardMsAgo: 150,
      sent: 9,
      accepted: 8,
      peerSent: 8,
      roundTripMs: 0.4,
      refused: { "no-echo": 3 },
    },
    {
      path: "private",
      interface: "eth1",
      up: false,
      carrier: true,
      heardMsAgo: null,
      peerHeardMsAgo: null,
      sent: 9,
      accepted: 0,
      peerSent: 0,
      roundTripMs: null,
      refused: { "bad-mac": 12 },
    },
  ],
  vips: [
    {
      address: "203.0.113.10/24",
      interface: "eth0",
      label: "eth0:1",
      owner: "primary",
      leaseLeftMs: 2_300,
      confirmed: "203.0.113.1 after 3 ms",
      confirmable: true,
      unfit: { primary: null, backup: null },
      contestedBy: null,
      unprovable: null,
    },
    {
      address: "10.0.0.1/24",
      interface: "eth1",
      label: null,
      owner: "both",
      leaseLeftMs: 2_300,
      confirmed: null,
      confirmable: true,
      unfit: { primary: null, backup: null },
      contestedBy: null,
      unprovable: null,
    },
  ],
  gates: [
    { name: "proxy", state: "failing", sinceMs: 7_000, effect: "hand-over", when: "always", reason: "refused" },
    { name: "uplink", state: "unknown", sinceMs: 1_000, effect: "warn", when: "always", reason: null },
  ],
  services: [
    {
      name: "web",
      listen: ["tcp://203.0.113.10:80"],
      scheduler: "wlc",
      servers: [
        {
          address: "10.0.0.11:80",
          forward: "nat",
          weight: 1,
          state: "up",
          kept: "changed",
          sinceMs: 754_000,
          reason: "connected after 0.4 ms",
          activeConnections: 12,
        },
        {
          address: "10.0.0.12:80",
          forward: "nat",
          weight: 0,
          state: "down",
          kept: null,
          sinceMs: 4_000,
          reason: "refused (ECONNREFUSED)",
          activeConnections: 0,
        },
      ],
    },
  ],
  transitions: [
    { at: "", agoMs: 754_000, from: "standby", to: "active", term: 4, why: "the peer fell silent", chain: [] },
  ],
  alarms: [],
  advice: [],
  warnings: [
    "the private path (eth1) has been down for 4.2s",
    "the routers have different configurations: pair.lease, gate proxy: compare `tandem config show` on both",
  ],
};

const TONES: Readonly<Record<string, string>> = { good: "+", bad: "!", warn: "~", dim: "", strong: "" };

function lines(widthColumns: number | undefined): string {
  const palette = (tone: string, text: string) => `${TONES[tone]}${text}`;
  return statusLines(REPORT, { palette, widthColumns }).join("\n");
}

describe("statusLines()", () => {
  test("shows the pair, with + for good, ~ for a warning and ! for bad", () => {
    expect(lines(undefined)).toMatchInlineSnapshot(`
      "ROUTER       WHICH    ROLE     TERM  STATE
      lvs1 (here)  primary  +active      4  active for 12m 34s
      lvs2         backup   standby     4  ~heard 120ms ago, other configuration
      next: stays active; lvs2 is ready to take over
      connections: lvs2 knows 49 of 50 (98 %); told of 61 entries 3s ago

      WARNINGS
        ~the private path (eth1) has been down for 4.2s
        ~the routers have different configurations: pair.lease, gate proxy: compare \`tandem config show\` on both

      PATH     INTERFACE  STATE  HEARD      HEARD BY PEER  REFUSED PACKETS
      public   eth0       +up     120ms ago  150ms ago
      private  eth1       !down   never      never          ~12 bad-mac

      VIP              INTERFACE  OWNER  LEASE LEFT  CONFIRMED BY
      203.0.113.10/24  eth0:1     lvs1         2.3s  203.0.113.1 after 3 ms
      10.0.0.1/24      eth1       !both         2.3s  nobody yet

      GATE    STATE    FOR  WHEN IT FAILS  REASON
      proxy   !failing  7s   hand-over      refused
      uplink  ~unknown  1s   warn

      SERVICE / REAL SERVER          STATE        FOR      WEIGHT  ACTIVE  REASON
      web tcp://203.0.113.10:80 wlc  ~1 of 2 up
        10.0.0.11:80                 +up, changed  12m 34s       1      12  connected after 0.4 ms
        10.0.0.12:80                 !down         4s            0       0  refused (ECONNREFUSED)

      TRANSITIONS  CHANGE            TERM  WHY
      12m 34s ago  standby → active     4  the peer fell silent"
    `);
  });

  test("names another machine that has a VIP instead of who confirms it", () => {
    const [first, ...more] = REPORT.vips;
    if (first === undefined) throw new RangeError("no VIP");
    const vips = [{ ...first, confirmed: null, contestedBy: "02:00:00:00:00:09" }, ...more];
    const palette = (tone: string, text: string) => `${TONES[tone]}${text}`;
    const shown = statusLines({ ...REPORT, vips }, { palette, widthColumns: undefined });
    expect(shown.find((line) => line.startsWith(first.address))).toEndWith("!02:00:00:00:00:09 has it too");
  });

  test.each([
    [300, "asking for 300ms"],
    [null, "asking"],
  ])("says for how long the router does what it does, where that is known: %p", (doingSinceMs, words) => {
    const report = { ...REPORT, router: { ...REPORT.router, doing: "asking", doingSinceMs } };
    const [, here] = statusLines(report, { palette: (_tone, text) => text, widthColumns: undefined });
    expect(here).toEndWith(`  ${words}`);
  });

  test("fits 80 columns", () => {
    const plain = statusLines(REPORT, { palette: (_tone, text) => text, widthColumns: 80 });
    expect(plain.filter((line) => Bun.stringWidth(line) > 80)).toEqual([]);
  });
});

describe("stateExitCode()", () => {
  test.each([
    ["one active", "active", "standby", true, 0],
    ["the other one active", "standby", "active", true, 0],
    ["none", "standby", "standby", true, 3],
    ["both", "active", "active", true, 3],
    ["active, the peer silent", "active", "active", false, 0],
    ["standby, the peer silent", "standby", "active", false, 3],
  ] as const)("%s", (_name, own, other, alive, code) => {
    const report = { ...REPORT, router: { ...REPORT.router, role: own }, peer: { ...REPORT.peer, role: other, alive } };
    expect(stateExitCode(report)).toBe(code);
  });
});

describe("what is usual in a network that is well", () => {
  const [path] = REPORT.paths;
  const shown = (refused: Readonly<Record<string, number>>, up: boolean) =>
    pathLines(path === undefined ? [] : [{ ...path, up, accepted: 300, refused }], {
      palette: (_, text) => text,
      widthColumns: undefined,
    }).join();

  test.each([
    ["a packet that came twice", { "replayed-counter": 1 }, true, false],
    ["very many of them", { "replayed-counter": 200 }, true, true],
    ["a packet that came twice, on a path that is down", { "replayed-counter": 1 }, false, true],
    ["a forged packet", { "bad-mac": 1 }, true, true],
  ])("%s", (_, refused, up, isShown) => {
    expect(shown(refused, up).includes(Object.keys(refused)[0] ?? "?")).toBe(isShown);
  });

  test("a VIP on a side without neighbours waits for nobody's word", () => {
    const vips = REPORT.vips.map((vip) => ({ ...vip, confirmed: null, confirmable: false }));
    const text = statusLines({ ...REPORT, vips }, { palette: (_, plain) => plain, widthColumns: undefined }).join();
    expect([text.includes("nobody to ask"), text.includes("nobody yet")]).toEqual([true, false]);
  });
});
