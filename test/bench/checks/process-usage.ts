import { readFileSync } from "node:fs";

/** What a process has used, as the kernel counts it. */
export interface Usage {
  /** In user and system mode together, of all its threads. */
  readonly cpuMs: number;
  readonly residentMiB: number;
}

/** proc(5): utime and stime are in units of 1/100 s, on every architecture. */
const TICK_MS = 10;
/** Fields of /proc/PID/stat after the name, which may hold spaces: state is the first of them. */
const UTIME = 11;
const STIME = 12;

export function readUsage(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const residentKiB = /^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? "0";
  return {
    cpuMs: (Number(fields[UTIME]) + Number(fields[STIME])) * TICK_MS,
    residentMiB: Number(residentKiB) / 1024,
  };
}

/** The children of a process by now. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
