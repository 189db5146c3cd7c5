import type { Runners } from "./context.ts";
import type { vip } from "./spec/vip.ts";
export const runners: Runners<typeof vip> = {} as Runners<typeof vip>;
