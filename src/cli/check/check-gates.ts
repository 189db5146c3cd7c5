/** Gates in `tandem check run` and `tandem check list`. */
import type { GateRecord } from "../../balance/servers/check-report.ts";
import type { Config } from "../../config/keys/config.ts";
import { daemonAnswers } from "../../daemon/control/control-client.ts";
import { formatDuration, formatSpan } from "../../model/duration.ts";
import type { Gate } from "../../model/gate.ts";
import type { Role } from "../../model/pair.ts";
import { GateProber } from "../../probe/run-gate.ts";
import { formatElapsed } from "../../probe/transport/probe-text.ts";
import type { CommandContext } from "../line/context.ts";
import { askStatus } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import type { Cell } from "../output/table.ts";
import { GATE_TONES } from "../status/gate-lines.ts";
import { type Job, placeOf } from "./check-job.ts";

/** Which gates `check run` is asked for. */
export interface GateChoice {
  /** Those of these names. */
  readonly gate: readonly string[];
  /** All of them. */
  readonly gates: boolean;
}

/** What a gate is about, as a table shows it. */
function gatePlace({ subject }: Gate): string {
  switch (subject.kind) {
    case "process":
    case "interface":
      return subject.name;
    case "file":
      return subject.path;
    case "check":
      if (subject.target !== undefined) return placeOf({ target: subject.target, method: subject.method });
      return subject.method.kind === "external" ? (subject.method.command[0] ?? "") : "";
  }
}

function gateKind({ subject }: Gate): string {
  return subject.kind === "check" ? subject.method.kind : subject.kind;
}

/** The role of the daemon that runs here; undefined where none does, or it may not be asked. */
async function ownRole(context: CommandContext): Promise<Role | undefined> {
  if (!(await daemonAnswers(runtimeDir(context)))) return undefined;
  try {
    return (await askStatus(context)).router.role;
  } catch {
    // A user who may not talk to it still may check.
    return undefined;
  }
}

function chosenGates({ gates }: Config, { gate: names }: GateChoice): readonly Gate[] {
  if (names.length === 0) return gates;
  return names.map((name) => {
    const found = gates.find((gate) => gate.name === name);
    if (found !== undefined) return found;
    const known = gates.map((gate) => gate.name).join(", ") || "none";
    throw new CommandLineError("check run", [`the configuration has no gate ${JSON.stringify(name)}; it has ${known}`]);
  });
}

/** The gates that are meant. One that is checked on an active router only is not, on a standby, unless it is named. */
export async function gateJobs(
  config: Config,
  choice: GateChoice,
  timeoutMs: number | undefined,
  context: CommandContext,
): Promise<Job[]> {
  const gates = chosenGates(config, choice);
  const asksRole = choice.gate.length === 0 && gates.some(({ when }) => when === "active");
  const isStandby = asksRole && (await ownRole(context)) === "standby";
  const prober = new GateProber();
  return gates.map((gate) => ({
    service: "",
    gate: gate.name,
    place: gatePlace(gate),
    kind: gateKind(gate),
    attempt:
      isStandby && gate.when === "active"
        ? () => Promise.resolve({ result: "success", elapsedMs: 0, reason: "not checked: this router is standby" })
        : (surroundings) => prober.run(gate, timeoutMs ?? gate.timeoutMs, surroundings),
  }));
}

/** A gate in the table of `check list`, in the columns of servers. */
export function listedGateRow(gate: Gate, record: GateRecord | undefined): Cell[] {
  const { intervalMs, timeoutMs, rise, fall } = gate;
  const reason = record?.detail ?? record?.last?.outcome.reason ?? "";
  return [
    `gate ${gate.name}`,
    gatePlace(gate),
    gateKind(gate),
    ...[formatDuration(intervalMs), formatDuration(timeoutMs), `${rise}/${fall}`],
    record === undefined ? "" : { text: record.state, tone: GATE_TONES[record.state] },
    record === undefined ? "" : formatSpan(record.forMs),
    record?.times === undefined ? "" : formatElapsed(record.times.p50Ms),
    record?.times === undefined ? "" : formatElapsed(record.times.p99Ms),
    reason,
  ];
}

export function listedGateJson(gate: Gate, record: GateRecord | undefined): Record<string, unknown> {
  const { name, effect, when, intervalMs, timeoutMs, rise, fall } = gate;
  return {
    ...{ name, target: gatePlace(gate), kind: gateKind(gate), effect, when, intervalMs, timeoutMs, rise, fall },
    state: record?.state ?? null,
    reason: record?.detail ?? record?.last?.outcome.reason ?? null,
    forMs: record?.forMs ?? null,
    p50Ms: record?.times?.p50Ms ?? null,
    p99Ms: record?.times?.p99Ms ?? null,
    changes: record?.changes ?? [],
  };
}

const STATES = { up: "passing", down: "failing", unknown: "unknown" } as const;

/** `gate proxy`, then each change on a line of its own. */
export function gateHistoryLines({ name }: Gate, record: GateRecord | undefined): string[] {
  const changes = record?.changes ?? [];
  const lines = changes.map(({ to, agoMs, reason }) => `  ${formatSpan(agoMs)} ago: ${STATES[to]}; ${reason}`);
  return [`gate ${name}`, ...(lines.length === 0 ? ["  no change"] : lines)];
}
