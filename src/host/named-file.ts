import { accessSync, constants, type Stats, statSync } from "node:fs";
import { systemReason } from "../lib/system-reason.ts";
import type { Complaint } from "./host.ts";

/** A file's facts, or why there are none. */
export function statOf(path: string): Stats | Complaint {
  try {
    return statSync(path);
  } catch (error) {
    return { problem: `can't be used: ${systemReason(error)}` };
  }
}

export function isComplaint(found: Stats | Complaint): found is Complaint {
  return "problem" in found;
}

/** Why this process can't read a file; a pipe or a device, which might have it wait for ever, is not tried. */
export function readableFileComplaint(path: string): Complaint | undefined {
  const stat = statOf(path);
  if (isComplaint(stat)) return stat;
  if (!stat.isFile()) return { problem: "is not a regular file" };
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return { problem: `can't be read: ${systemReason(error)}` };
  }
}
