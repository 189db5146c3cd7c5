import type { SingleRunner } from "./context.ts";
import type { status as spec } from "./spec/singles.ts";
export const status: SingleRunner<typeof spec> = () => 0;
