import type { Upkeep } from "../../src/daemon/upkeep.ts";

/** Every line was written, and all state is kept. */
export const NO_TROUBLE: Upkeep = {
  log: { lostLines: 0, lastLostMsAgo: null, failure: null },
  state: { directory: "/var/lib/tandem", failures: [] },
};
