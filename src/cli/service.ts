import type { Runners } from "./context.ts";
import type { service } from "./spec/service.ts";
export const runners: Runners<typeof service> = {} as Runners<typeof service>;
