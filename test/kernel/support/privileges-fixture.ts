/** Run as a program of its own: real-time scheduling and locked memory would stay with the test's process. */
import { readdirSync, readFileSync } from "node:fs";
import { lockMemory, useRealtimeScheduling } from "../../../src/sys/scheduling.ts";

const status = (name: string) => {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync("/proc/self/status", "latin1"));
  return Number(line?.[1]);
};
const policy = (id: number) =>
  Bun.spawnSync(["chrt", "--pid", String(id)])
    .stdout.toString()
    .split("\n")[0] ?? "";
/** Each once. */
const policies = (ids: readonly string[]) => [...new Set(ids.map((id) => policy(Number(id)).replace(/^.*: /, "")))];
const outcomes = { scheduling: useRealtimeScheduling(10), memory: lockMemory() };
const later = Bun.spawn(["cat"], { stdin: "pipe" });
const report = {
  ...outcomes,
  own: policies(readdirSync("/proc/self/task")),
  later: policy(later.pid),
  lockedKb: status("VmLck"),
  residentKb: status("VmRSS"),
};
later.kill();
process.stdout.write(JSON.stringify(report));
