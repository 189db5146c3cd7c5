/** `tandem check list`: what is configured, and what the daemon knows of it. */
import type { CheckReport } from "../../balance/servers/check-report.ts";
import type { ConfiguredService } from "../../config/keys/config.ts";
import { daemonAnswers } from "../../daemon/control/control-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { formatEndpoint } from "../../model/address.ts";
import { formatDuration, formatSpan } from "../../model/duration.ts";
import type { Check } from "../../model/health-check.ts";
import { type RealServer, realServerKey } from "../../model/real-server.ts";
import { formatElapsed } from "../../probe/transport/probe-text.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { askBalancer, askKept, type DaemonChecks } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { type Cell, type Column, renderTable } from "../output/table.ts";
import type { check as spec } from "../spec/check-spec.ts";
import { gateHistoryLines, listedGateJson, listedGateRow } from "./check-gates.ts";
import { checkedServers } from "./check-kept.ts";

type Verbs = (typeof spec)["verbs"];

const LIST_COLUMNS: readonly Column[] = [
  { header: "SERVICE" },
  { header: "TARGET" },
  { header: "CHECK" },
  { header: "INTERVAL", align: "right", dropOrder: 2 },
  { header: "TIMEOUT", align: "right", dropOrder: 3 },
  { header: "RISE/FALL", align: "right", dropOrder: 4 },
  { header: "STATE", hideEmpty: true },
  { header: "FOR", align: "right", hideEmpty: true, dropOrder: 5 },
  { header: "P50", align: "right", hideEmpty: true, dropOrder: 6 },
  { header: "P99", align: "right", hideEmpty: true, dropOrder: 7 },
  { header: "REASON", hideEmpty: true, flexible: true, dropOrder: 1 },
];

interface ListedCheck {
  readonly service: string;
  readonly target: string;
  readonly check: Check | undefined;
  readonly furtherChecks: readonly Check[];
  readonly state: string | null;
  readonly reason: string | null;
  /** What the daemon knows of it. */
  readonly report: CheckReport | undefined;
}

async function daemonChecks(context: CommandContext): Promise<DaemonChecks> {
  return (await daemonAnswers(runtimeDir(context))) ? await askBalancer(context) : { checks: [] };
}

/** The worst first: a service that listens on several addresses has a report of each server for each of them. */
const VERDICTS = ["down", "unknown", "up"] as const;

/** Finds what the daemon knows of a server of a service; a server without a port has that of the service. */
function reportFinder(reports: readonly CheckReport[]) {
  const byServer = new Map<string, CheckReport>();
  for (const report of reports) {
    const key = `${report.service} ${report.server}`;
    const known = byServer.get(key);
    const isWorse = known === undefined || VERDICTS.indexOf(report.verdict) < VERDICTS.indexOf(known.verdict);
    if (isWorse) byServer.set(key, report);
  }
  return ({ name, listen }: ConfiguredService, server: RealServer): CheckReport | undefined => {
    const given = byServer.get(`${name} ${realServerKey(server)}`);
    if (given !== undefined || server.endpoint.port !== 0) return given;
    return listen
      .flatMap(({ key }) => (key.kind === "address" ? [{ address: server.endpoint.address, port: key.port }] : []))
      .map((endpoint) => byServer.get(`${name} ${formatEndpoint(endpoint)}`))
      .find((report) => report !== undefined);
  };
}

/** How it stands by its checks; that it gets no new work is an operator's order, and said beside. */
function stateCell({ report }: ListedCheck): Cell {
  if (report === undefined) return "";
  const text = report.kind === undefined ? "unchecked" : report.verdict;
  if (report.drained) return { text: `${text}, drained`, tone: "warn" };
  return report.kind === undefined ? text : { text, tone: STATE_TONES[report.verdict] };
}

const STATE_TONES = { up: "good", down: "bad", unknown: "warn" } as const;

function listedRow(entry: ListedCheck): Cell[] {
  const { check } = entry;
  const timing =
    check === undefined
      ? ["", "", ""]
      : [formatDuration(check.intervalMs), formatDuration(check.timeoutMs), `${check.rise}/${check.fall}`];
  return [
    entry.service,
    entry.target,
    check === undefined ? "none" : [check, ...entry.furtherChecks].map(({ method }) => method.kind).join(", "),
    ...timing,
    stateCell(entry),
    entry.report?.forMs === undefined ? "" : formatSpan(entry.report.forMs),
    entry.report?.times === undefined ? "" : formatElapsed(entry.report.times.p50Ms),
    entry.report?.times === undefined ? "" : formatElapsed(entry.report.times.p99Ms),
    entry.reason ?? "",
  ];
}

/** `web 10.0.0.11:80`, then each change on a line of its own. */
function historyLines({ service, target, report }: ListedCheck): string[] {
  const changes = report?.changes ?? [];
  const lines = changes.map(({ to, agoMs, reason }) => `  ${formatSpan(agoMs)} ago: ${to}; ${reason}`);
  return [`${service} ${target}`, ...(lines.length === 0 ? ["  no change"] : lines)];
}

export const list: Runner<Verbs["list"]> = async (input, context): Promise<ExitCode> => {
  const { output } = context;
  const { config } = readConfig(context);
  // A daemon without services and gates has no balancer to ask.
  const known: DaemonChecks =
    config.services.length + config.gates.length > 0 ? await daemonChecks(context) : { checks: [] };
  const { checks: reports, pace } = known;
  const records = new Map(known.gates?.map((record) => [record.name, record]));
  const reportOf = reportFinder(reports);
  const kept = reports.length === 0 ? [] : await askKept(context);
  const checks = config.services.flatMap((service) =>
    checkedServers(service, kept).map(({ server, check, furtherChecks = [] }): ListedCheck => {
      const target = realServerKey(server);
      const report = reportOf(service, server);
      const state = report === undefined ? null : report.drained ? "drained" : report.verdict;
      const reason = report?.last?.outcome.reason ?? null;
      return { service: service.name, target, check, furtherChecks, state, reason, report };
    }),
  );
  if (output.json) {
    const source = reports.length + records.size > 0 ? "daemon" : "configuration";
    const gates = config.gates.map((gate) => listedGateJson(gate, records.get(gate.name)));
    output.printJson({ source, checks: checks.map(listedJson), gates, pace: pace ?? null });
  } else if (checks.length + config.gates.length === 0)
    output.note("the configuration has no real servers, and no gates");
  else if (input.history) {
    const ofGates = config.gates.flatMap((gate) => gateHistoryLines(gate, records.get(gate.name)));
    output.lines([...checks.flatMap(historyLines), ...ofGates]);
  } else {
    const ofGates = config.gates.map((gate) => listedGateRow(gate, records.get(gate.name)));
    output.lines(renderTable(LIST_COLUMNS, [...checks.map(listedRow), ...ofGates], output));
  }
  return 0;
};

function listedJson({ service, target, check, state, reason, report }: ListedCheck): Record<string, unknown> {
  return {
    service,
    target,
    kind: check?.method.kind ?? null,
    intervalMs: check?.intervalMs ?? null,
    timeoutMs: check?.timeoutMs ?? null,
    rise: check?.rise ?? null,
    fall: check?.fall ?? null,
    state,
    verdict: report?.verdict ?? null,
    drained: report?.drained ?? null,
    reason,
    forMs: report?.forMs ?? null,
    p50Ms: report?.times?.p50Ms ?? null,
    p99Ms: report?.times?.p99Ms ?? null,
    changes: report?.changes ?? [],
  };
}
