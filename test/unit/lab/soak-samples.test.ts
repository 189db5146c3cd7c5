import { expect, test } from "bun:test";
import type { PathStatus, PeerStatus } from "../../../src/daemon/status/status-report.ts";
import { routerFigures, type Sample } from "../../soak/samples.ts";

const MINUTE_MS = 60_000;

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

function path(name: PathStatus["path"], minute: number): PathStatus {
  return {
    path: name,
    interface: "eth0",
    up: true,
    carrier: true,
    heardMsAgo: 1,
    peerHeardMsAgo: 1,
    sent: 0,
    accepted: 90 * minute,
    peerSent: 100 * minute,
    roundTripMs: 1,
    refused: {},
  };
}

/** One each minute: 90 of 100 heartbeats heard on each path, half a MiB more, 2 ms late but for one time. */
function sample(minute: number): Sample {
  return {
    atMs: minute * MINUTE_MS,
    residentMebibytes: 80 + minute / 2,
    heartbeats: {
      version: 1,
      peer: PEER,
      intervalMs: 10,
      paths: [path("public", minute), path("private", minute)],
      loop: { wakes: 1000 * minute, lastLateMs: minute === 7 ? 9 : 2, maxLateMs: 11 },
    },
  };
}

test("routerFigures() has the slope after the warm-up, what was lost, and how late the loop was", () => {
  const figures = routerFigures(Array.from({ length: 10 }, (_, minute) => sample(minute)));
  expect({ ...figures, mebibytesPerHour: Math.round(figures.mebibytesPerHour * 1000) / 1000 }).toEqual({
    heard: 1620,
    lostPercent: 10,
    wakes: 9000,
    lateP50Ms: 2,
    lateP99Ms: 9,
    lateMaxMs: 11,
    residentFirst: 81,
    residentLast: 84.5,
    mebibytesPerHour: 30,
  });
});
