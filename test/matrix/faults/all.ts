import type { Fault } from "../fault.ts";
import { CABLES } from "./cables.ts";
import { COMPANY } from "./company.ts";
import { FOREIGN_VIPS } from "./foreign-vips.ts";
import { GATES } from "./gates.ts";
import { KERNEL_THREAD } from "./kernel-thread.ts";
import { LOGS } from "./logs.ts";
import { MISMATCHED } from "./mismatches.ts";
import { OWN_ADDRESSES } from "./own-addresses.ts";
import { PROCESSES } from "./processes.ts";
import { RELOADS } from "./reloads.ts";
import { SURROUNDINGS } from "./surroundings.ts";
import { THIRD_NETWORK } from "./third-network.ts";

/** Every row of the matrix, in the order of the table. */
export const FAULTS: readonly Fault[] = [
  ...CABLES,
  ...PROCESSES,
  ...SURROUNDINGS,
  ...MISMATCHED,
  ...FOREIGN_VIPS,
  ...THIRD_NETWORK,
  ...OWN_ADDRESSES,
  ...RELOADS,
  ...KERNEL_THREAD,
  ...LOGS,
  ...COMPANY,
  ...GATES,
];
