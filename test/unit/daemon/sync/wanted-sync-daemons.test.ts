import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../../../src/config/parse.ts";
import { wantedSyncDaemons } from "../../../../src/daemon/balancer/balancing.ts";
import { address } from "../../../../src/model/address.ts";
import { BASE } from "../../config/base.ts";

/** Both daemons of a configuration with these lines in `[sync]`, on a machine with eth0 and eth1. */
function wantedWith(sync: string) {
  const parsed = parseConfig(`${BASE}\n[sync]\n${sync}\n`);
  if (!parsed.ok) throw new Error("the configuration is not valid");
  return wantedSyncDaemons(parsed.config, { public: "eth0", private: "eth1" });
}

const COMMON = { interface: "eth1", syncId: 1, group: address("224.0.0.81"), port: 8848, ttl: 1 };

describe("wantedSyncDaemons()", () => {
  test("lets the master send each connection in a message of its own", () => {
    expect(wantedWith("")).toEqual([
      { state: "backup", ...COMMON },
      { state: "master", ...COMMON, maxLengthBytes: 1 },
    ]);
  });

  test("passes on how far messages go, and in batches how long they may be, to both daemons", () => {
    const both = { ...COMMON, ttl: 3, maxLengthBytes: 8_000 };
    expect(wantedWith('ttl = 3\nsync = "batched"\nmax_length = 8000')).toEqual([
      { state: "backup", ...both },
      { state: "master", ...both },
    ]);
  });

  test("leaves the length to the kernel where nothing is said of it", () => {
    expect(wantedWith('sync = "batched"')).toEqual([
      { state: "backup", ...COMMON },
      { state: "master", ...COMMON },
    ]);
  });
});
