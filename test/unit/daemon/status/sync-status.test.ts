import { describe, expect, test } from "bun:test";
import type { PeerStatus, RouterStatus } from "../../../../src/daemon/status/status-report.ts";
import { type SyncStatus, syncText } from "../../../../src/daemon/status/sync-status.ts";

const ROUTER: RouterStatus = {
  id: "primary",
  name: "lvs1",
  role: "active",
  doing: "active",
  sinceMs: 1,
  term: 1,
  doingSinceMs: 754_000,
  held: false,
  notReady: null,
  next: "",
  failback: "none",
  pid: 1,
  uptimeMs: 1,
  configFingerprint: "0",
};
const PEER: PeerStatus = {
  id: "backup",
  name: "lvs2",
  alive: true,
  role: "standby",
  term: 1,
  heardMsAgo: 1,
  software: null,
  sameConfig: true,
  differingKeys: null,
  missingKeys: null,
};
const SYNC: SyncStatus = {
  wanted: 50,
  present: 49,
  fullSync: true,
  working: false,
  lastFullSync: { agoMs: 3_000, entries: 61, tookMs: 20 },
  failure: null,
};

describe("syncText()", () => {
  test.each<[string, Partial<SyncStatus>, Partial<RouterStatus>, Partial<PeerStatus>]>([
    ["connections: lvs2 knows 49 of 50 (98 %); told of 61 entries 3s ago", {}, {}, {}],
    ["connections: lvs1 knows 49 of 50 (98 %)", {}, { role: "standby" }, { role: "active" }],
    ["connections: lvs2 is not there to learn them", {}, {}, { alive: false }],
    ["connections: not known yet what lvs2 has", { wanted: null, present: null }, {}, {}],
    [
      "connections: lvs2 has not been told of them yet, being told of all of them now",
      { wanted: 0, present: 0, fullSync: false, working: true, lastFullSync: null },
      {},
      {},
    ],
    [
      "connections: none that lvs2 ought to know yet, by the last count; told of 61 entries 3s ago",
      { wanted: 0, present: 0 },
      {},
      {},
    ],
    // 99.9 % are not all of them.
    ["connections: lvs2 knows 999 of 1000 (99 %)", { wanted: 1000, present: 999, lastFullSync: null }, {}, {}],
  ])("says: %s", (text, sync, router, peer) => {
    expect(syncText({ ...SYNC, ...sync }, { ...ROUTER, ...router }, { ...PEER, ...peer })).toBe(text);
  });
});
