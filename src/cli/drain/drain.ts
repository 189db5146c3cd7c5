/** `drain` and `undrain` of `real` and `service`: through the daemon where one runs, else on the kernel. */
import type { CheckReport } from "../../balance/servers/check-report.ts";
import { askDaemon, daemonAnswers } from "../../daemon/control/control-client.ts";
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import type { IpvsChange } from "../../model/ipvs-table.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import { type ChangeOutcome, type ReportedChange, reportChanges } from "../changes/changes.ts";
import { describeIpvsChange, performIpvsChanges, unchanged } from "../changes/ipvs-changes.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { askChecks, askStatus, orderAnswer } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { withServicePort } from "../line/service-port.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import type { real } from "../spec/real-spec.ts";
import type { service } from "../spec/service-spec.ts";
import { checkName, type Found, foundName, look, matching, notFound, type Target, targetText } from "./drain-target.ts";
import { WAIT_DEFAULT_MS, waitUntilDrained } from "./drain-wait.ts";
import { lastConfigured, lastInKernel } from "./last-servers.ts";

type RealVerbs = (typeof real)["verbs"];
type ServiceVerbs = (typeof service)["verbs"];

interface Order {
  readonly verb: "drain" | "undrain";
  readonly target: Target;
  /** Of an undrain, instead of the configured one. */
  readonly weight?: number;
}

/** What an order is for: servers of the daemon's configuration, and those that somebody has made by hand. */
interface Survey {
  readonly hasDaemon: boolean;
  readonly configured: readonly CheckReport[];
  readonly byHand: readonly Found[];
  readonly warnings: readonly string[];
}

interface Outcome {
  readonly changes: ReportedChange[];
  readonly survey: Survey;
}

/** Those of the kernel's table whose service is not among `configured`. */
function surveyKernel(target: Target, configured: ReadonlySet<string>): Pick<Survey, "byHand" | "warnings"> {
  using client = IpvsClient.open();
  const byHand = look(client, target).filter(({ key }) => !configured.has(formatServiceKey(key)));
  const drained = new Set(byHand.map(foundName));
  return { byHand, warnings: drained.size === 0 ? [] : lastInKernel(client.table("skipped"), drained) };
}

/** @throws TandemError when a drain is for nothing that there is. */
async function survey({ verb, target }: Order, context: CommandContext): Promise<Survey> {
  if (!(await daemonAnswers(runtimeDir(context)))) {
    const inKernel = surveyKernel(target, new Set());
    if (inKernel.byHand.length === 0) throw notFound(target, "tandem real list shows those that there are");
    return { hasDaemon: false, configured: [], ...inKernel };
  }
  const { services } = await askStatus(context);
  const checks = services.length === 0 ? [] : await askChecks(context);
  const configured = matching(checks, target);
  const known = new Set(services.flatMap(({ listen }) => listen));
  const isAllKnown = target.services !== "all" && target.services.every((key) => known.has(formatServiceKey(key)));
  const inKernel = isAllKnown ? { byHand: [], warnings: [] } : surveyKernel(target, known);
  // The daemon may have an order to take back for a server that is not configured any more.
  const isNowhere = configured.length === 0 && inKernel.byHand.length === 0;
  if (isNowhere && (verb === "drain" || context.globals.dryRun)) {
    throw notFound(target, "tandem check list shows those of the daemon's configuration");
  }
  const last = lastConfigured(checks, new Set(configured.map(checkName)));
  return { hasDaemon: true, configured, byHand: inKernel.byHand, warnings: [...last, ...inKernel.warnings] };
}

/** Gives the servers a weight in the kernel, where they don't have it. */
function setWeights(found: readonly Found[], { verb, weight }: Order, dryRun: boolean): ReportedChange[] {
  const wanted = verb === "drain" ? 0 : (weight ?? 1);
  const changeOf = ({ key, observed }: Found): IpvsChange => {
    return { kind: "edit-server", key, server: { ...observed.server, weight: wanted } };
  };
  const [same, other] = [true, false].map((isSame) =>
    found.filter(({ observed }) => (observed.server.weight === wanted) === isSame).map(changeOf),
  );
  using client = IpvsClient.open();
  const made = performIpvsChanges(client, other ?? [], dryRun).map((change) => ({ ...change, do: verb }));
  const reason = `its weight is ${wanted} already`;
  return [...made, ...(same ?? []).map((change) => unchanged(describeIpvsChange(change), reason))];
}

/** The services that the daemon is asked to order for, one after another; undefined: all that have the server. */
function orderedServices(
  { verb, target }: Order,
  configured: readonly CheckReport[],
): readonly (ServiceKey | undefined)[] {
  if (target.services === "all") return [undefined];
  const listens = new Set(configured.map(({ listen }) => listen));
  const concerned = target.services.filter((key) => listens.has(formatServiceKey(key)));
  return concerned.length === 0 && verb === "undrain" ? target.services : concerned;
}

function detailOf({ weight }: Order): string {
  return weight === undefined ? "by the daemon" : `by the daemon, weight ${weight}`;
}

/** Asks the daemon, which keeps the order over reload, restart and failover. */
async function askToOrder(order: Order, key: ServiceKey | undefined, context: CommandContext): Promise<ReportedChange> {
  const { verb, weight } = order;
  const { server: given } = order.target;
  const server = given === "all" || key === undefined ? given : withServicePort(key, given);
  const subject = {
    ...(server === "all" ? {} : { endpoint: server }),
    ...(key === undefined ? {} : { service: key }),
  };
  const request =
    weight === undefined ? { command: verb, ...subject } : { command: "weight" as const, weight, ...subject };
  const value = await askDaemon(runtimeDir(context), request, (message) => context.output.note(message));
  const { text, unsaved } = orderAnswer(value);
  const outcome: ChangeOutcome =
    unsaved === undefined ? { kind: "done" } : { kind: "unsaved", reason: text ?? unsaved };
  const target = { server, services: key === undefined ? ("all" as const) : [key] };
  return { do: verb, subject: targetText(target), detail: detailOf(order), outcome };
}

async function throughDaemon(
  order: Order,
  { configured, byHand }: Survey,
  context: CommandContext,
): Promise<ReportedChange[]> {
  if (context.globals.dryRun) {
    return configured.map(({ listen, server }): ReportedChange => {
      const subject = `real server ${server} of ${listen}`;
      return { do: order.verb, subject, detail: detailOf(order), outcome: { kind: "planned" } };
    });
  }
  // Only what is there: a drain of a service that was made by hand is none of the daemon's business.
  if (configured.length === 0 && byHand.length > 0) return [];
  const changes: ReportedChange[] = [];
  for (const key of orderedServices(order, configured)) changes.push(await askToOrder(order, key, context));
  return changes;
}

async function carryOut(order: Order, context: CommandContext): Promise<Outcome> {
  const found = await survey(order, context);
  const warnings = order.verb === "drain" && order.target.server !== "all" ? found.warnings : [];
  if (!context.output.json) for (const warning of warnings) context.output.note(`warning: ${warning}`);
  const changes = found.hasDaemon ? await throughDaemon(order, found, context) : [];
  if (found.byHand.length > 0) {
    if (found.hasDaemon) {
      context.output.note("set in the kernel only: the daemon's configuration does not have that service");
    }
    changes.push(...setWeights(found.byHand, order, context.globals.dryRun));
  }
  return { changes, survey: { ...found, warnings } };
}

async function wait(order: Order, { configured, byHand }: Survey, limitMs: number, context: CommandContext) {
  if (context.globals.dryRun) return;
  const drained = new Set([...configured.map(checkName), ...byHand.map(foundName)]);
  await waitUntilDrained(order.target, drained, limitMs, context);
}

/** Takes the drained servers out of the kernel's table. */
function remove(target: Target, dryRun: boolean): ReportedChange[] {
  using client = IpvsClient.open();
  const changes = look(client, target).map(({ key, observed }): IpvsChange => {
    return { kind: "delete-server", key, endpoint: observed.server.endpoint };
  });
  return performIpvsChanges(client, changes, dryRun);
}

function requireWait(verb: string, input: { readonly wait: boolean; readonly timeout: number | undefined }): void {
  if (input.timeout !== undefined && !input.wait) throw new CommandLineError(verb, ["--timeout needs --wait"]);
}

/** A server that the daemon has configured would come back at once. */
async function refuseDeletion(context: CommandContext): Promise<void> {
  if (!(await daemonAnswers(runtimeDir(context)))) return;
  throw new CommandLineError("real drain", [
    "--delete: a daemon runs, and would put the server back; take it out of the configuration instead",
  ]);
}

interface DrainInput {
  readonly wait: boolean;
  readonly timeout: number | undefined;
  /** Whether the servers are taken out of the kernel's table in the end. */
  readonly delete: boolean;
}

async function giveNoMore(target: Target, input: DrainInput, context: CommandContext): Promise<ExitCode> {
  const order: Order = { verb: "drain", target };
  const { changes, survey: found } = await carryOut(order, context);
  if (input.wait) await wait(order, found, input.timeout ?? WAIT_DEFAULT_MS, context);
  if (input.delete) changes.push(...remove(target, context.globals.dryRun));
  return reportChanges(changes, context, "named", found.warnings);
}

async function takeBack(target: Target, weight: number | undefined, context: CommandContext): Promise<ExitCode> {
  const order: Order = { verb: "undrain", target, ...(weight === undefined ? {} : { weight }) };
  const { changes, survey: found } = await carryOut(order, context);
  return reportChanges(changes, context, "named", found.warnings);
}

/** Weight 0 now; with --wait until nothing is open. */
export const drain: Runner<RealVerbs["drain"]> = async (input, context) => {
  requireWait("real drain", input);
  if (input.delete) await refuseDeletion(context);
  return await giveNoMore({ services: input.service, server: input.server }, input, context);
};

/** Work again. */
export const undrain: Runner<RealVerbs["undrain"]> = async (input, context) =>
  await takeBack({ services: input.service, server: input.server }, input.weight, context);

/** The same for each real server of a service. */
export const drainService: Runner<ServiceVerbs["drain"]> = async (input, context) => {
  requireWait("service drain", input);
  return await giveNoMore({ services: input.services, server: "all" }, { ...input, delete: false }, context);
};

export const undrainService: Runner<ServiceVerbs["undrain"]> = async (input, context) =>
  await takeBack({ services: input.services, server: "all" }, input.weight, context);
