import type { Upkeep } from "../../src/daemon/host/upkeep.ts";
import type { ReloadStatus } from "../../src/daemon/reload/reload-result.ts";

/** Every line was written, and all state is kept. */
export const NO_TROUBLE: Upkeep = {
  log: { lostLines: 0, lastLostMsAgo: null, failure: null },
  state: { directory: "/var/lib/tandem", failures: [] },
};

/** The file was read at the start, and nothing since. */
export const RELOADED: ReloadStatus = {
  outcome: "applied",
  by: "start",
  at: "2026-12-01T00:00:00.000Z",
  agoMs: 60_000,
  text: "/etc/tandem/tandem.toml is in force",
  findings: [],
  digest: "0011223344556677",
  appliedDigest: "0011223344556677",
};
