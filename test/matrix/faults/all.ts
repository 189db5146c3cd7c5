import type { Fault } from "../fault.ts";
import { CABLES } from "./cables.ts";
import { PROCESSES } from "./processes.ts";
import { SURROUNDINGS } from "./surroundings.ts";

/** Every row of the matrix, in the order of the table. */
export const FAULTS: readonly Fault[] = [...CABLES, ...PROCESSES, ...SURROUNDINGS];
