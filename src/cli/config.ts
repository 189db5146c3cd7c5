import type { Runners } from "./context.ts";
import type { config } from "./spec/config.ts";
export const runners: Runners<typeof config> = {} as Runners<typeof config>;
