import type { Runners } from "./context.ts";
import type { check } from "./spec/check.ts";
export const runners: Runners<typeof check> = {} as Runners<typeof check>;
