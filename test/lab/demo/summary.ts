/** The table at the end: what was measured. */
import { readdirSync, readFileSync } from "node:fs";
import type { Measurement } from "./measurement.ts";
import { milliseconds } from "./screen.ts";
import type { Stage } from "./stage.ts";

export function summary(stage: Stage): void {
  const { screen } = stage;
  screen.chapter("What was measured, seen from the client");
  screen.line(screen.paint("dim", "                      longest gap  requests lost  connections lost  two owners"));
  for (const row of stage.measurements) screen.line(rowText(row));
  const pause = Math.max(0, ...stage.measurements.map((row) => row.probePauseMs));
  screen.note(`The lab has one slow CPU: the probe itself paused for up to ${milliseconds(pause)}.`);
  const beganAtMs = Number(process.env["TANDEM_DEMO_BEGAN"]);
  if (stage.firstRequestAtMs !== undefined && beganAtMs > 0) {
    const seconds = ((stage.firstRequestAtMs - beganAtMs) / 1000).toFixed(1);
    screen.note(`The first scheduler was through ${seconds} s after the demonstration began.`);
  }
  for (const router of stage.pair.routers) {
    const memory = residentText(router.pid);
    if (memory !== undefined) screen.note(`${router.name}: ${memory}.`);
  }
}

function rowText(row: Measurement): string {
  const lost = `${row.lost} of ${row.sent}`;
  const connections = row.connections === 0 ? "-" : `${row.connectionsLost} of ${row.connections}`;
  return [
    `    ${row.what.padEnd(17)}`,
    milliseconds(row.longestGapMs).padStart(12),
    lost.padStart(15),
    connections.padStart(18),
    milliseconds(row.twoOwnersMs).padStart(12),
  ].join("");
}

/** The memory of the router process and of its balancer. */
function residentText(pid: number | undefined): string | undefined {
  const router = residentMebibytes(String(pid));
  const child = readdirSync("/proc").find((name) => /^\d+$/.test(name) && statusField(name, "PPid") === pid);
  const balancer = child === undefined ? undefined : residentMebibytes(child);
  if (router === undefined || balancer === undefined) return undefined;
  return `router process ${router} MiB resident, balancer ${balancer} MiB`;
}

function residentMebibytes(pid: string): number | undefined {
  const kibibytes = statusField(pid, "VmRSS");
  return kibibytes === undefined ? undefined : Math.round(kibibytes / 1024);
}

function statusField(pid: string, field: string): number | undefined {
  try {
    const value = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return value === undefined ? undefined : Number(value);
  } catch {
    // It ended while we looked.
    return undefined;
  }
}
