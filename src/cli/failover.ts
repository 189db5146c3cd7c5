import type { Runners } from "./context.ts";
import type { failover } from "./spec/failover.ts";
export const runners: Runners<typeof failover> = {} as Runners<typeof failover>;
