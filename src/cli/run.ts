import type { SingleRunner } from "./context.ts";
import type { run as spec } from "./spec/singles.ts";
export const run: SingleRunner<typeof spec> = () => 0;
