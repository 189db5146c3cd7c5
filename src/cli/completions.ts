import type { SingleRunner } from "./context.ts";
import type { completions as spec } from "./spec/singles.ts";
export const completions: SingleRunner<typeof spec> = () => 0;
