/** Run as a program of its own, as scheduling and locked memory would stay: `bun privileges-fixture.ts realtime|niceness`. */
import { readdirSync, readFileSync } from "node:fs";
import { lockMemory, useNiceness, useRealtimeScheduling } from "../../../src/sys/process/scheduling.ts";

const status = (name: string) => {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync("/proc/self/status", "latin1"));
  return Number(line?.[1]);
};
/** `SCHED_FIFO`, or the niceness of an ordinary thread (proc(5), /proc/[pid]/stat: fields 19 and 41). */
const scheduling = (id: string | number) => {
  const stat = readFileSync(`/proc/${id}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[38] === "1" ? "SCHED_FIFO" : `niceness ${fields[16]}`;
};
/** Of every thread of this process, but for one that ends meanwhile. */
const threads = () =>
  readdirSync("/proc/self/task").flatMap((id) => {
    try {
      return [scheduling(`self/task/${id}`)];
    } catch {
      return [];
    }
  });
const use = process.argv[2] === "niceness" ? () => useNiceness(-10) : () => useRealtimeScheduling(10);
const outcomes = { scheduling: use(), memory: lockMemory() };
const later = Bun.spawn(["cat"], { stdin: "pipe" });
const report = {
  ...outcomes,
  own: [...new Set(threads())],
  later: scheduling(later.pid),
  lockedKb: status("VmLck"),
  residentKb: status("VmRSS"),
};
later.kill();
process.stdout.write(JSON.stringify(report));
