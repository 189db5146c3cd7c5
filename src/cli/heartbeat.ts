import type { Runners } from "./context.ts";
import type { heartbeat } from "./spec/heartbeat.ts";
export const runners: Runners<typeof heartbeat> = {} as Runners<typeof heartbeat>;
