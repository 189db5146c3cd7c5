/** `tandem check`: probes once or again and again, and lists what the daemon's checks say. */
import type { Config, ConfiguredService } from "../../config/keys/config.ts";
import { TandemError } from "../../lib/errors.ts";
import { formatEndpoint, parseEndpoint } from "../../model/address.ts";
import { type CheckTarget, PROBE_FAILURES, type ProbeOutcome } from "../../model/health-check.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { killRunningPrograms } from "../../probe/local/confinement.ts";
import { formatElapsed, quoteBytes } from "../../probe/transport/probe-text.ts";
import type { Trace } from "../../probe/transport/trace.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, Runner, Runners } from "../line/context.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import type { Output } from "../output/output.ts";
import { type Cell, type Column, renderTable } from "../output/table.ts";
import type { check as spec } from "../spec/check-spec.ts";
import { type GateChoice, gateJobs } from "./check-gates.ts";
import { type Job, type TargetProbe, targetJob } from "./check-job.ts";
import { checkOfTarget } from "./check-keys.ts";
import { list } from "./check-list.ts";
import { methodOfTarget, type TargetSettings, targetFlags } from "./check-target.ts";

type Verbs = (typeof spec)["verbs"];

type Done = Job & { readonly outcome: ProbeOutcome };

/** The service of that name, or that listens there. */
function findService(config: Config, word: string): ConfiguredService {
  const found = config.services.find(
    (service) => service.name === word || service.listen.some(({ key }) => formatServiceKey(key) === word),
  );
  if (found !== undefined) return found;
  const hint = config.gates.some(({ name }) => name === word) ? `; for the gate of that name: --gate ${word}` : "";
  throw new CommandLineError("check run", [
    `the configuration has no service ${JSON.stringify(word)}; it has ${config.services.map(({ name }) => name).join(", ") || "none"}${hint}`,
  ]);
}

function probesOfService(service: ConfiguredService): TargetProbe[] {
  return service.servers.flatMap(({ server, check, furtherChecks = [] }): TargetProbe[] => {
    const checks = check === undefined ? [] : [check, ...furtherChecks];
    const [first] = service.listen;
    const key = first?.key;
    const target: CheckTarget = {
      address: server.endpoint.address,
      port: server.endpoint.port,
      ...(key?.kind === "address" ? { serviceAddress: key.address, servicePort: key.port } : {}),
    };
    return checks.map(({ method, timeoutMs }) => ({ target, method, timeoutMs }));
  });
}

/** The configured probes that are meant. */
function serverJobs(
  config: Config,
  serviceWord: string | undefined,
  real: string | undefined,
  timeoutMs: number | undefined,
): Job[] {
  const services = serviceWord === undefined ? config.services : [findService(config, serviceWord)];
  const probes = services.flatMap((service) => probesOfService(service).map((probe) => [service.name, probe] as const));
  const isMeant = ({ target }: TargetProbe) => formatEndpoint(target) === real || target.address.text === real;
  const chosen = real === undefined ? probes : probes.filter(([, probe]) => isMeant(probe));
  if (real !== undefined && chosen.length === 0) {
    const known = probes.map(([, { target }]) => formatEndpoint(target)).join(", ");
    throw new CommandLineError("check run", [
      `${serviceWord} has no checked real server ${real}; it has ${known || "none"}`,
    ]);
  }
  return chosen.map(([name, probe]) => targetJob(name, { ...probe, timeoutMs: timeoutMs ?? probe.timeoutMs }));
}

const COLUMNS: readonly Column[] = [
  { header: "SERVICE", hideEmpty: true, dropOrder: 2 },
  { header: "TARGET" },
  { header: "CHECK", dropOrder: 1 },
  { header: "TIME", align: "right" },
  { header: "OUTCOME" },
  { header: "REASON", flexible: true },
];

function outcomeCell(outcome: ProbeOutcome): Exclude<Cell, string> {
  return outcome.result === "success" ? { text: "success", tone: "good" } : { text: outcome.failure, tone: "bad" };
}

function doneRow({ service, gate, place, kind, endpoint, outcome }: Done): Cell[] {
  return [
    gate === undefined ? service : `gate ${gate}`,
    place,
    endpoint === undefined ? kind : `${kind} at ${endpoint}`,
    formatElapsed(outcome.elapsedMs),
    outcomeCell(outcome),
    withWarning(outcome),
  ];
}

/** With --repeat, all rounds make one table: the columns stay where they are. */
const WATCH_COLUMNS: readonly Column[] = [{ header: "AT" }, ...COLUMNS];
/** `0.03 ms` */
const TIME_WIDTH = 7;
const OUTCOME_WIDTH = Math.max(...PROBE_FAILURES.map((name) => name.length));

function watchedRow(done: Done): Cell[] {
  const cells = doneRow(done);
  const outcome = outcomeCell(done.outcome);
  // The wall clock, for people to compare with what they did meanwhile.
  const at = new Date().toTimeString().slice(0, 8);
  const padded = { ...outcome, text: outcome.text.padEnd(OUTCOME_WIDTH) };
  return [
    at,
    ...cells.slice(0, 3),
    formatElapsed(done.outcome.elapsedMs).padStart(TIME_WIDTH),
    padded,
    ...cells.slice(5),
  ];
}

function withWarning(outcome: ProbeOutcome): string {
  const warning = outcome.result === "success" ? outcome.warning : undefined;
  return warning === undefined ? outcome.reason : `${outcome.reason}; ${warning}`;
}

function doneJson({ service, gate, place, kind, endpoint, outcome }: Done): Record<string, unknown> {
  return {
    service: service === "" ? null : service,
    ...(gate === undefined ? {} : { gate }),
    target: place,
    kind,
    ...(endpoint === undefined ? {} : { endpoint }),
    result: outcome.result,
    // Microseconds: what a clock of doubles says beyond them is noise.
    elapsedMs: Math.round(outcome.elapsedMs * 1_000) / 1_000,
    reason: outcome.reason,
    failure: outcome.result === "failure" ? outcome.failure : null,
    ...(outcome.result === "success" && outcome.warning !== undefined ? { warning: outcome.warning } : {}),
    ...(outcome.result === "success" && outcome.weightPercent !== undefined
      ? { weightPercent: outcome.weightPercent }
      : {}),
  };
}

/** Probes at once: enough for any table to be quick, few enough for any limit of open files. */
const PROBES_AT_ONCE = 64;

/** How much of a piece of a conversation is shown. */
const SHOWN_BYTES_MAX = 1_000;

/** Shows a conversation as it goes: `10.0.0.11:25 < "220 mail\r\n"`. */
function tracer({ place }: Job, output: Output): Trace {
  return (event, content) => {
    const text = typeof content === "string" ? content : quoteBytes(content, SHOWN_BYTES_MAX);
    output.note(`${place} ${{ sent: ">", received: "<", note: "*" }[event]} ${text}`);
  };
}

async function runAll(jobs: readonly Job[], verbose: boolean, output: Output): Promise<Done[]> {
  const done: Done[] = [];
  for (let start = 0; start < jobs.length; start += PROBES_AT_ONCE) {
    const batch = jobs.slice(start, start + PROBES_AT_ONCE);
    const outcomes = await Promise.all(
      batch.map(async (job): Promise<Done> => {
        const surroundings = verbose ? { trace: tracer(job, output) } : {};
        return { ...job, outcome: await job.attempt(surroundings) };
      }),
    );
    done.push(...outcomes);
  }
  return done;
}

const TIMEOUT_DEFAULT_MS = 3_000;
/** Between rounds; the interval that a configured check has by default. */
const INTERVAL_DEFAULT_MS = 2_000;

function isTarget(word: string): boolean {
  return /^[a-z0-9]+:\/\//.test(word);
}

interface RunInput extends TargetSettings, GateChoice {
  readonly target: string | undefined;
  readonly real: string | undefined;
  readonly timeout: number | undefined;
}

function targetJobs(target: string, input: RunInput): Job[] {
  // Plain targets are read as they always were; the schema's words are for what only it knows.
  const isPlain = /^(?:tcp|https?):/.test(target) && input.set.length === 0;
  const read = isPlain ? methodOfTarget(target, input) : checkOfTarget(target, input);
  if (!read.ok) throw new CommandLineError("check run", [read.problem]);
  if (input.real !== undefined) {
    throw new CommandLineError("check run", [`unexpected ${JSON.stringify(input.real)}`]);
  }
  return [targetJob("", { ...read.value, timeoutMs: input.timeout ?? TIMEOUT_DEFAULT_MS })];
}

async function jobsOf(input: RunInput, context: CommandContext): Promise<Job[]> {
  const { target, real, timeout } = input;
  const asksGates = input.gates || input.gate.length > 0;
  if (target !== undefined && asksGates) {
    throw new CommandLineError("check run", [`--gate and --gates go without ${JSON.stringify(target)}`]);
  }
  if (target !== undefined && context.globals.config === undefined && isTarget(target)) {
    return targetJobs(target, input);
  }
  if (target !== undefined && parseEndpoint(target).ok) {
    const shown = JSON.stringify(target);
    throw new CommandLineError("check run", [`${shown} is neither a target nor a service; write tcp://${target}`]);
  }
  const [stray] = targetFlags(input);
  if (stray !== undefined) {
    const example = "such as tcp://10.0.0.11:80, and no --config; what the configuration has is checked as it says";
    throw new CommandLineError("check run", [`${stray} needs a TARGET ${example}`]);
  }
  const { config } = readConfig(context);
  const servers = asksGates ? [] : serverJobs(config, target, real, timeout);
  return target === undefined ? [...servers, ...(await gateJobs(config, input, timeout, context))] : servers;
}

/** A program of a check has a session of its own: the terminal's Ctrl-C does not reach it. */
function endProgramsWithThisProcess(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      killRunningPrograms();
      process.kill(process.pid, signal);
    });
  }
}

const run: Runner<Verbs["run"]> = async (input, context) => {
  const { output } = context;
  const jobs = await jobsOf(input, context);
  if (jobs.some(({ kind }) => kind === "external")) endProgramsWithThisProcess();
  if (jobs.length === 0) {
    throw new TandemError({ operation: "run checks", reason: "the configuration has none", hint: "name a TARGET" }, 2);
  }
  if (input.interval !== undefined && input.repeat === undefined) {
    throw new CommandLineError("check run", ["--interval needs --repeat"]);
  }
  let isOk = true;
  for (let round = 0; round < (input.repeat ?? 1); round += 1) {
    if (round > 0) await Bun.sleep(input.interval ?? INTERVAL_DEFAULT_MS);
    const done = await runAll(jobs, input.verbose, output);
    const isGood = done.every(({ outcome }) => outcome.result === "success");
    isOk &&= isGood;
    if (output.json) output.printJson({ ok: isGood, results: done.map(doneJson) });
    else if (input.repeat === undefined) output.lines(renderTable(COLUMNS, done.map(doneRow), output));
    else output.lines(renderTable(WATCH_COLUMNS, done.map(watchedRow), output).slice(round === 0 ? 0 : 1));
  }
  return isOk ? 0 : 3;
};

export const runners: Runners<typeof spec> = { run, list };
