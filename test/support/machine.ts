import { readFileSync } from "node:fs";
import { availableParallelism, release, totalmem } from "node:os";

const GIBIBYTE = 1024 ** 3;

/** Where figures were measured, in general words. */
export function machineText(): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "an unknown processor";
  const version = /^\d+\.\d+/.exec(release())?.[0] ?? release();
  const count = availableParallelism();
  const processors = count === 1 ? "one processor" : `${count} processors`;
  return `${processors} (${model.trim()}), ${Math.round(totalmem() / GIBIBYTE)} GiB, Linux ${version}`;
}

/** `2026-11-22`, in UTC. */
export function dateText(): string {
  return new Date().toISOString().slice(0, 10);
}
