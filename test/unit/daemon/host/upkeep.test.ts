import { describe, expect, test } from "bun:test";
import { logStatus, stateStatus, upkeepWarnings } from "../../../../src/daemon/host/upkeep.ts";
import { NO_TROUBLE } from "../../../support/upkeep.ts";

const NOW_MS = 10_000_000;

describe("upkeepWarnings()", () => {
  test("is silent where every line is written and all state is kept", () => {
    expect(upkeepWarnings(NO_TROUBLE)).toEqual([]);
  });

  test.each([
    [
      { lostLines: 12, failure: "no space is left (ENOSPC)", lostAtMs: NOW_MS - 100 },
      ["the log cannot be written: no space is left (ENOSPC); 12 lines lost so far"],
    ],
    [
      { lostLines: 1, failure: "nobody reads it", lostAtMs: NOW_MS - 100 },
      ["the log cannot be written: nobody reads it; 1 line lost so far"],
    ],
    [{ lostLines: 12, lostAtMs: NOW_MS - 3_000 }, ["12 lines of the log could not be written, the last one 3s ago"]],
    [{ lostLines: 12, lostAtMs: NOW_MS - 3_600_001 }, []],
  ])("says of a log that is %o", (health, warnings) => {
    expect(upkeepWarnings({ ...NO_TROUBLE, log: logStatus(health, NOW_MS) })).toEqual(warnings);
  });

  test("says once for each reason what cannot be kept", () => {
    const full = "no space is left (ENOSPC)";
    const failures = [
      { file: "failover.json", reason: full, sinceMs: NOW_MS - 5_000 },
      { file: "shared.json", reason: "it is a directory (EISDIR)", sinceMs: NOW_MS - 1_000 },
      { file: "balancer.json", reason: full, sinceMs: NOW_MS - 9_000 },
    ];
    expect(upkeepWarnings({ ...NO_TROUBLE, state: stateStatus("/var/lib/tandem", failures, NOW_MS) })).toEqual([
      `state cannot be kept in /var/lib/tandem: ${full}, for 9s (failover.json, balancer.json); what changed since is lost at a restart`,
      "state cannot be kept in /var/lib/tandem: it is a directory (EISDIR), for 1s (shared.json); what changed since is lost at a restart",
    ]);
  });
});
