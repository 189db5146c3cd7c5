import type { CheckReport } from "../balance/report.ts";
import type { Config, ConfiguredService } from "../config/config.ts";
import { askDaemon, daemonSocketExists } from "../daemon/control-client.ts";
import { type ExitCode, TandemError } from "../lib/errors.ts";
import { formatEndpoint } from "../model/address.ts";
import type { Check, CheckMethod, CheckTarget, ProbeOutcome } from "../model/check.ts";
import { formatDuration } from "../model/duration.ts";
import { realServerKey } from "../model/real-server.ts";
import { formatServiceKey } from "../model/virtual-service.ts";
import { runCheck } from "../probe/run-check.ts";
import { methodOfTarget, type TargetSettings } from "./check-target.ts";
import { CommandLineError } from "./command-line-error.ts";
import { readConfig } from "./config-file.ts";
import type { CommandContext, Runner, Runners } from "./context.ts";
import { runtimeDir } from "./directories.ts";
import type { check as spec } from "./spec/check.ts";
import { type Cell, type Column, renderTable } from "./table.ts";

type Verbs = (typeof spec)["verbs"];

/** One probe to make. */
interface Job {
  readonly service: string;
  readonly target: CheckTarget;
  readonly method: CheckMethod;
  readonly timeoutMs: number;
}

type Done = Job & { readonly outcome: ProbeOutcome };

/** The service of that name, or that listens there. */
function findService(config: Config, word: string): ConfiguredService {
  const found = config.services.find(
    (service) => service.name === word || service.listen.some(({ key }) => formatServiceKey(key) === word),
  );
  if (found !== undefined) return found;
  throw new CommandLineError("check run", [
    `the configuration has no service ${JSON.stringify(word)}; it has ${config.services.map(({ name }) => name).join(", ") || "none"}`,
  ]);
}

function jobsOfService(service: ConfiguredService): Job[] {
  return service.servers.flatMap(({ server, check }): Job[] => {
    if (check === undefined) return [];
    const [first] = service.listen;
    const key = first?.key;
    const target: CheckTarget = {
      address: server.endpoint.address,
      port: server.endpoint.port,
      ...(key?.kind === "address" ? { serviceAddress: key.address, servicePort: key.port } : {}),
    };
    return [{ service: service.name, target, method: check.method, timeoutMs: check.timeoutMs }];
  });
}

/** The configured probes that are meant. */
function configuredJobs(config: Config, serviceWord: string | undefined, real: string | undefined): Job[] {
  const services = serviceWord === undefined ? config.services : [findService(config, serviceWord)];
  const jobs = services.flatMap(jobsOfService);
  if (real === undefined) return jobs;
  const chosen = jobs.filter(({ target }) => formatEndpoint(target) === real || target.address.text === real);
  if (chosen.length > 0) return chosen;
  const known = jobs.map(({ target }) => formatEndpoint(target)).join(", ");
  throw new CommandLineError("check run", [
    `${serviceWord} has no checked real server ${real}; it has ${known || "none"}`,
  ]);
}

const COLUMNS: readonly Column[] = [
  { header: "SERVICE", hideEmpty: true, dropOrder: 2 },
  { header: "TARGET" },
  { header: "CHECK", dropOrder: 1 },
  { header: "TIME", align: "right" },
  { header: "OUTCOME" },
  { header: "REASON", flexible: true },
];

function elapsedText(ms: number): string {
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

function outcomeCell(outcome: ProbeOutcome): Cell {
  return outcome.result === "success" ? { text: "success", tone: "good" } : { text: outcome.failure, tone: "bad" };
}

function doneRow({ service, target, method, outcome }: Done): Cell[] {
  const time = elapsedText(outcome.elapsedMs);
  return [service, formatEndpoint(target), method.kind, time, outcomeCell(outcome), outcome.reason];
}

function doneJson({ service, target, method, outcome }: Done): Record<string, unknown> {
  return {
    service: service === "" ? null : service,
    target: formatEndpoint(target),
    kind: method.kind,
    result: outcome.result,
    elapsedMs: outcome.elapsedMs,
    reason: outcome.reason,
    failure: outcome.result === "failure" ? outcome.failure : null,
  };
}

/** Probes at once: enough for any table to be quick, few enough for any limit of open files. */
const PROBES_AT_ONCE = 64;

async function runAll(jobs: readonly Job[]): Promise<Done[]> {
  const done: Done[] = [];
  for (let start = 0; start < jobs.length; start += PROBES_AT_ONCE) {
    const batch = jobs.slice(start, start + PROBES_AT_ONCE);
    const outcomes = await Promise.all(
      batch.map(
        async (job): Promise<Done> => ({ ...job, outcome: await runCheck(job.method, job.target, job.timeoutMs) }),
      ),
    );
    done.push(...outcomes);
  }
  return done;
}

const TIMEOUT_DEFAULT_MS = 3_000;

function isTarget(word: string): boolean {
  return /^[a-z]+:\/\//.test(word);
}

function jobsOf(
  input: TargetSettings & {
    readonly target: string | undefined;
    readonly real: string | undefined;
    readonly timeout: number | undefined;
  },
  context: CommandContext,
): Job[] {
  const { target, real } = input;
  if (target !== undefined && context.globals.config === undefined && isTarget(target)) {
    const read = methodOfTarget(target, input);
    if (!read.ok) throw new CommandLineError("check run", [read.problem]);
    if (real !== undefined) throw new CommandLineError("check run", [`unexpected ${JSON.stringify(real)}`]);
    return [{ service: "", ...read.value, timeoutMs: input.timeout ?? TIMEOUT_DEFAULT_MS }];
  }
  const jobs = configuredJobs(readConfig(context).config, target, real);
  return input.timeout === undefined
    ? jobs
    : jobs.map((job) => ({ ...job, timeoutMs: input.timeout ?? job.timeoutMs }));
}

const run: Runner<Verbs["run"]> = async (input, context) => {
  const { output } = context;
  const jobs = jobsOf(input, context);
  if (jobs.length === 0) {
    throw new TandemError({ operation: "run checks", reason: "the configuration has none", hint: "name a TARGET" }, 2);
  }
  const done = await runAll(jobs);
  const isOk = done.every(({ outcome }) => outcome.result === "success");
  if (output.json) output.printJson({ ok: isOk, results: done.map(doneJson) });
  else output.lines(renderTable(COLUMNS, done.map(doneRow), output));
  return isOk ? 0 : 3;
};

const LIST_COLUMNS: readonly Column[] = [
  { header: "SERVICE" },
  { header: "TARGET" },
  { header: "CHECK" },
  { header: "INTERVAL", align: "right", dropOrder: 2 },
  { header: "TIMEOUT", align: "right", dropOrder: 3 },
  { header: "RISE/FALL", align: "right", dropOrder: 4 },
  { header: "STATE", hideEmpty: true },
  { header: "REASON", hideEmpty: true, flexible: true, dropOrder: 1 },
];

interface ListedCheck {
  readonly service: string;
  readonly target: string;
  readonly check: Check | undefined;
  readonly state: string | null;
  readonly reason: string | null;
}

async function daemonChecks(context: CommandContext): Promise<readonly CheckReport[]> {
  if (!daemonSocketExists(runtimeDir(context))) return [];
  const value = await askDaemon(runtimeDir(context), { command: "checks" });
  const isAnswer = typeof value === "object" && value !== null && "checks" in value && Array.isArray(value.checks);
  return isAnswer ? (value.checks as readonly CheckReport[]) : [];
}

const STATE_TONES = { up: "good", down: "bad", unknown: "warn" } as const;

function listedRow(entry: ListedCheck): Cell[] {
  const { check } = entry;
  const timing =
    check === undefined
      ? ["", "", ""]
      : [formatDuration(check.intervalMs), formatDuration(check.timeoutMs), `${check.rise}/${check.fall}`];
  const state = entry.state ?? "";
  const tone = STATE_TONES[state as keyof typeof STATE_TONES];
  return [
    entry.service,
    entry.target,
    check?.method.kind ?? "none",
    ...timing,
    tone === undefined ? state : { text: state, tone },
    entry.reason ?? "",
  ];
}

const list: Runner<Verbs["list"]> = async (_input, context): Promise<ExitCode> => {
  const { output } = context;
  const { config } = readConfig(context);
  const reports = await daemonChecks(context);
  const checks = config.services.flatMap((service) =>
    service.servers.map(({ server, check }): ListedCheck => {
      const target = realServerKey(server);
      const report = reports.find((candidate) => candidate.service === service.name && candidate.server === target);
      const state = report === undefined ? null : report.drained ? "drained" : report.verdict;
      return { service: service.name, target, check, state, reason: report?.last?.outcome.reason ?? null };
    }),
  );
  if (output.json) {
    const source = reports.length > 0 ? "daemon" : "configuration";
    output.printJson({ source, checks: checks.map(listedJson) });
  } else if (checks.length === 0) output.note("the configuration has no real servers");
  else output.lines(renderTable(LIST_COLUMNS, checks.map(listedRow), output));
  return 0;
};

function listedJson({ service, target, check, state, reason }: ListedCheck): Record<string, unknown> {
  return {
    service,
    target,
    kind: check?.method.kind ?? null,
    intervalMs: check?.intervalMs ?? null,
    timeoutMs: check?.timeoutMs ?? null,
    rise: check?.rise ?? null,
    fall: check?.fall ?? null,
    state,
    reason,
  };
}

export const runners: Runners<typeof spec> = { run, list };
