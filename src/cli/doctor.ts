import type { SingleRunner } from "./context.ts";
import type { doctor as spec } from "./spec/singles.ts";
export const doctor: SingleRunner<typeof spec> = () => 0;
