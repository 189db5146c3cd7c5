import type { Runners } from "./context.ts";
import type { real } from "./spec/real.ts";
export const runners: Runners<typeof real> = {} as Runners<typeof real>;
