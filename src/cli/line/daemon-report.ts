/** Answers of the daemon, which may be of another version than this program. */
import type { CheckReport, GateRecord } from "../../balance/servers/check-report.ts";
import type { PaceReport } from "../../balance/servers/probe-pace.ts";
import { askDaemon, daemonAnswers } from "../../daemon/control/control-client.ts";
import type { AppliedHere } from "../../daemon/reload/applied-config.ts";
import type { ReloadResult } from "../../daemon/reload/reload-result.ts";
import type { HeartbeatReport, KeptStatus, StatusReport, TransitionStatus } from "../../daemon/status/status-report.ts";
import { TandemError } from "../../lib/errors.ts";
import type { CommandContext } from "./context.ts";
import { runtimeDir } from "./directories.ts";

function withVersion1(value: unknown, members: readonly string[]): object {
  const isObject = typeof value === "object" && value !== null;
  const known = isObject && "version" in value && value.version === 1 && members.every((name) => name in value);
  if (known) return value;
  throw new TandemError({
    operation: "read the daemon's answer",
    reason: "it is of another version than this program",
    hint: "restart the daemon, or use its own tandem",
  });
}

/** The daemon's whole view. @throws TandemError when no daemon answers. */
export async function askStatus(context: CommandContext): Promise<StatusReport> {
  const value = await askDaemon(runtimeDir(context), { command: "status" });
  const report = withVersion1(value, ["router", "peer", "paths", "vips", "services", "transitions"]) as StatusReport;
  // An older daemon knows none.
  return { ...report, gates: report.gates ?? [], alarms: report.alarms ?? [], advice: report.advice ?? [] };
}

/** The configuration that the daemon has in force. @throws TandemError when no daemon answers. */
export async function askApplied(context: CommandContext): Promise<AppliedHere> {
  const value = await askDaemon(runtimeDir(context), { command: "applied" });
  return withVersion1(value, ["path", "text", "router", "interfaces"]) as AppliedHere;
}

/** What the daemon says of a reload. */
export function reloadResult(value: unknown): ReloadResult {
  return withVersion1(value, ["outcome", "text", "findings", "exitCode"]) as ReloadResult;
}

export async function askHistory(context: CommandContext): Promise<readonly TransitionStatus[]> {
  const value = await askDaemon(runtimeDir(context), { command: "history" });
  return (withVersion1(value, ["transitions"]) as { readonly transitions: readonly TransitionStatus[] }).transitions;
}

export async function askHeartbeats(context: CommandContext): Promise<HeartbeatReport> {
  const value = await askDaemon(runtimeDir(context), { command: "heartbeats" });
  return withVersion1(value, ["paths", "peer"]) as HeartbeatReport;
}

/** What the daemon answers to an order that it has carried out. */
export interface OrderAnswer {
  readonly text?: string;
  /** Why the order is not on the disk: it holds until a restart; absent: it is. */
  readonly unsaved?: string;
}

export function orderAnswer(value: unknown): OrderAnswer {
  if (typeof value !== "object" || value === null) return {};
  const { text, unsaved } = value as Readonly<Record<"text" | "unsaved", unknown>>;
  return {
    ...(text === undefined ? {} : { text: String(text) }),
    ...(unsaved === undefined ? {} : { unsaved: String(unsaved) }),
  };
}

/** The real servers that operators have changed beside the daemon's configuration; none where no daemon runs. */
export async function askKept(context: CommandContext): Promise<readonly KeptStatus[]> {
  if (!(await daemonAnswers(runtimeDir(context)))) return [];
  try {
    const value = await askDaemon(runtimeDir(context), { command: "kept" });
    return (withVersion1(value, ["kept"]) as { readonly kept: readonly KeptStatus[] }).kept;
  } catch (error) {
    // An older daemon, or one that this user may not ask: what the kernel has can be listed all the same.
    if (error instanceof TandemError) return [];
    throw error;
  }
}

export interface DaemonChecks {
  /** Every real server of the daemon's configuration, with what its checks say. */
  readonly checks: readonly CheckReport[];
  /** Every gate; absent where there are none. */
  readonly gates?: readonly GateRecord[];
  /** How punctually probes begin; absent where the daemon is older. */
  readonly pace?: PaceReport;
}

export async function askBalancer(context: CommandContext): Promise<DaemonChecks> {
  const value = await askDaemon(runtimeDir(context), { command: "checks" });
  const isAnswer = typeof value === "object" && value !== null && "checks" in value && Array.isArray(value.checks);
  return isAnswer ? (value as DaemonChecks) : { checks: [] };
}

/** Every real server of the daemon's configuration, with what its checks say. */
export async function askChecks(context: CommandContext): Promise<readonly CheckReport[]> {
  return (await askBalancer(context)).checks;
}
