/** What is looked at every few seconds of a soak, and what it comes to. */
import { readFileSync } from "node:fs";
import { askDaemon } from "../../src/daemon/control/control-client.ts";
import type { HeartbeatReport } from "../../src/daemon/status/status-report.ts";
import type { RouterProcess } from "../lab/parts/router-process.ts";

export interface Sample {
  readonly atMs: number;
  readonly residentMebibytes: number;
  readonly heartbeats: HeartbeatReport;
}

export async function takeSample(router: RouterProcess): Promise<Sample> {
  const report = (await askDaemon(router.runtimeDirectory, { command: "heartbeats" })) as HeartbeatReport;
  const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${router.pid}/status`, "utf8"))?.[1];
  return { atMs: performance.now(), residentMebibytes: Number(kibibytes) / 1024, heartbeats: report };
}

export interface RouterFigures {
  readonly heard: number;
  readonly lostPercent: number;
  readonly wakes: number;
  readonly lateP50Ms: number;
  readonly lateP99Ms: number;
  readonly lateMaxMs: number;
  readonly residentFirst: number;
  readonly residentLast: number;
  /** The slope of a straight line through the samples after the first fifth. */
  readonly mebibytesPerHour: number;
}

const WARM_UP_SHARE = 0.2;
const HOUR_MS = 3_600_000;

export function routerFigures(samples: readonly Sample[]): RouterFigures {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined) throw new Error("no samples");
  const sum = (sample: Sample, take: "accepted" | "peerSent") =>
    sample.heartbeats.paths.reduce((total, path) => total + path[take], 0);
  const heard = sum(last, "accepted") - sum(first, "accepted");
  const sent = sum(last, "peerSent") - sum(first, "peerSent");
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  const late = samples.map((sample) => sample.heartbeats.loop.lastLateMs).toSorted((a, b) => a - b);
  const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))] ?? 0;
  return {
    heard,
    lostPercent: sent === 0 ? 0 : (100 * Math.max(0, sent - heard)) / sent,
    wakes: last.heartbeats.loop.wakes - first.heartbeats.loop.wakes,
    lateP50Ms: at(0.5),
    lateP99Ms: at(0.99),
    lateMaxMs: last.heartbeats.loop.maxLateMs,
    residentFirst: warm[0]?.residentMebibytes ?? 0,
    residentLast: last.residentMebibytes,
    mebibytesPerHour: slope(warm) * HOUR_MS,
  };
}

/** Least squares. */
function slope(samples: readonly Sample[]): number {
  const mean = (take: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + take(sample), 0) / samples.length;
  const atMs = mean((sample) => sample.atMs);
  const resident = mean((sample) => sample.residentMebibytes);
  const spread = samples.reduce((sum, sample) => sum + (sample.atMs - atMs) ** 2, 0);
  const together = samples.reduce(
    (sum, sample) => sum + (sample.atMs - atMs) * (sample.residentMebibytes - resident),
    0,
  );
  return spread === 0 ? 0 : together / spread;
}
