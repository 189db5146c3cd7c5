import { askDaemon, daemonAnswers } from "../daemon/control-client.ts";
import { IpvsClient } from "../kernel/ipvs-client.ts";
import { type ExitCode, StateError, TandemError } from "../lib/errors.ts";
import { type Endpoint, formatEndpoint, parseEndpoint, sameAddress } from "../model/address.ts";
import { formatSpan } from "../model/duration.ts";
import type { IpvsChange, ObservedServer } from "../model/ipvs-table.ts";
import { realServerKey } from "../model/real-server.ts";
import { formatServiceKey, parseServiceKey, type ServiceKey } from "../model/virtual-service.ts";
import { type ChangeOutcome, type ReportedChange, reportChanges } from "./changes.ts";
import { CommandLineError } from "./command-line-error.ts";
import type { CommandContext, Runner } from "./context.ts";
import { askChecks, orderAnswer } from "./daemon-report.ts";
import { runtimeDir } from "./directories.ts";
import { counted } from "./figures.ts";
import { describeIpvsChange, performIpvsChanges, unchanged } from "./ipvs-changes.ts";
import { withServicePort } from "./service-port.ts";
import type { real as spec } from "./spec/real.ts";

/** `real drain` and `undrain`: through the daemon where one runs, else on the kernel. */

type Verbs = (typeof spec)["verbs"];

interface Target {
  readonly service: ServiceKey | "all";
  readonly server: Endpoint;
}

interface Found {
  readonly key: ServiceKey;
  readonly observed: ObservedServer;
}

/** The real server in each service that is meant; none where it is not in the kernel's table. */
function look(client: IpvsClient, target: Target): Found[] {
  return client.table("skipped").flatMap(({ service: { key }, servers }): Found[] => {
    if (target.service !== "all" && formatServiceKey(key) !== formatServiceKey(target.service)) return [];
    const wanted = formatEndpoint(withServicePort(key, target.server));
    const observed = servers.find((server) => realServerKey(server.server) === wanted);
    return observed === undefined ? [] : [{ key, observed }];
  });
}

/** @throws TandemError when no service that is meant has the real server. */
function find(client: IpvsClient, target: Target): Found[] {
  const found = look(client, target);
  if (found.length > 0) return found;
  throw notFound(target, "tandem real list shows those that there are");
}

function notFound(target: Target, hint: string): TandemError {
  const where =
    target.service === "all" ? "no virtual service has it" : `${formatServiceKey(target.service)} has no such server`;
  return new TandemError({
    operation: "find real server",
    subject: formatEndpoint(target.server),
    reason: where,
    hint,
  });
}

/** Gives the servers a weight, where they don't have it. */
function setWeight(target: Target, weight: number, verb: "drain" | "undrain", dryRun: boolean): ReportedChange[] {
  using client = IpvsClient.open();
  const found = find(client, target);
  const changes = found.map(({ key, observed }): IpvsChange => {
    return { kind: "edit-server", key, server: { ...observed.server, weight } };
  });
  const wanted = changes.filter((_, index) => found[index]?.observed.server.weight !== weight);
  const same = changes
    .filter((_, index) => found[index]?.observed.server.weight === weight)
    .map((change) => unchanged(describeIpvsChange(change), `its weight is ${weight} already`));
  const made = performIpvsChanges(client, wanted, dryRun).map((change) => ({ ...change, do: verb }));
  return [...made, ...same];
}

function targetText({ service, server }: Target): string {
  const name = `real server ${formatEndpoint(server)}`;
  return service === "all" ? `${name} of every service` : `${name} of ${formatServiceKey(service)}`;
}

/** What the daemon would do: an order for each server that its configuration has. @throws TandemError when it has none. */
async function planOfDaemon(
  target: Target,
  verb: "drain" | "undrain",
  detail: string,
  context: CommandContext,
): Promise<ReportedChange[]> {
  const wanted = target.service === "all" ? undefined : formatServiceKey(target.service);
  const { address, port } = target.server;
  const matches = (await askChecks(context)).filter(({ listen, server }) => {
    const key = parseServiceKey(listen);
    const endpoint = parseEndpoint(server);
    if (!key.ok || !endpoint.ok || (wanted !== undefined && formatServiceKey(key.value) !== wanted)) return false;
    return sameAddress(endpoint.value.address, address) && (port === 0 || port === endpoint.value.port);
  });
  if (matches.length === 0) throw notFound(target, "tandem check list shows those of the daemon's configuration");
  return matches.map(({ listen, server }): ReportedChange => {
    return {
      do: verb,
      subject: `real server ${server} of ${listen}`,
      detail,
      outcome: { kind: "planned" },
    };
  });
}

/** Asks the daemon, which keeps the order over reload, restart and failover. `weight`: instead of the configured one. */
async function throughDaemon(
  target: Target,
  verb: "drain" | "undrain",
  context: CommandContext,
  weight?: number,
): Promise<ReportedChange[]> {
  const detail = weight === undefined ? "by the daemon" : `by the daemon, weight ${weight}`;
  if (context.globals.dryRun) return await planOfDaemon(target, verb, detail, context);
  const { service } = target;
  const endpoint = service === "all" ? target.server : withServicePort(service, target.server);
  const subject = { endpoint, ...(service === "all" ? {} : { service }) };
  const request =
    weight === undefined ? { command: verb, ...subject } : { command: "weight" as const, weight, ...subject };
  const value = await askDaemon(runtimeDir(context), request, (message) => context.output.note(message));
  const { text, unsaved } = orderAnswer(value);
  const outcome: ChangeOutcome =
    unsaved === undefined ? { kind: "done" } : { kind: "unsaved", reason: text ?? unsaved };
  return [{ do: verb, subject: targetText(target), detail, outcome }];
}

interface Remaining {
  /** Servers that still get new work: the daemon has not told the kernel yet, or somebody gave them a weight. */
  readonly working: number;
  readonly open: number;
  /** Clients that come back to the server while it remembers them; they are no open connections and end by their timeout. */
  readonly persistent: number;
}

function remaining(found: readonly Found[]): Remaining {
  return found.reduce(
    ({ working, open, persistent }, { observed }) => ({
      working: working + (observed.server.weight === 0 ? 0 : 1),
      open: open + observed.activeConnections + observed.inactiveConnections,
      persistent: persistent + observed.persistentConnections,
    }),
    { working: 0, open: 0, persistent: 0 },
  );
}

function remainingText({ working, open, persistent }: Remaining): string {
  const clients = persistent === 0 ? "" : ` and ${counted(persistent, "persistent client")}`;
  const weight = working === 0 ? "" : ", its weight is not 0";
  return `${counted(open, "open connection")}${clients}${weight}`;
}

const POLL_INTERVAL_MS = 500;
const PROGRESS_INTERVAL_MS = 5_000;
const WAIT_DEFAULT_MS = 600_000;

/** Waits until no connection is open, or the server is gone from the table. @throws StateError (exit 3) when some still are at the end. */
async function waitUntilDrained(target: Target, limitMs: number, context: CommandContext): Promise<void> {
  using client = IpvsClient.open();
  const beganMs = performance.now();
  let toldMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const left = remaining(look(client, target));
    const elapsedMs = performance.now() - beganMs;
    if (left.open === 0 && left.working === 0) {
      const clients = left.persistent === 0 ? "" : `; ${counted(left.persistent, "persistent client")} may come back`;
      context.output.note(`no open connections after ${formatSpan(elapsedMs)}${clients}`);
      return;
    }
    if (elapsedMs >= limitMs) {
      throw new StateError({
        operation: "drain",
        subject: targetText(target),
        reason: `${remainingText(left)} were still there after ${formatSpan(elapsedMs)}`,
        hint: "it stays drained; wait again with --wait, or end them with tandem real del",
      });
    }
    if (elapsedMs - toldMs >= PROGRESS_INTERVAL_MS) {
      context.output.note(`${remainingText(left)}, waiting for ${formatSpan(limitMs - elapsedMs)} at most`);
      toldMs = elapsedMs;
    }
    await Bun.sleep(Math.min(POLL_INTERVAL_MS, Math.max(1, limitMs - elapsedMs)));
  }
}

/** Takes the drained servers out of the kernel's table. */
function remove(target: Target, dryRun: boolean): ReportedChange[] {
  using client = IpvsClient.open();
  const changes = look(client, target).map(({ key, observed }): IpvsChange => {
    return { kind: "delete-server", key, endpoint: observed.server.endpoint };
  });
  return performIpvsChanges(client, changes, dryRun);
}

/** A server that the daemon has configured would come back at once. */
function refuseDeletion(): CommandLineError {
  return new CommandLineError("real drain", [
    "--delete: a daemon runs, and would put the server back; take it out of the configuration instead",
  ]);
}

/** Weight 0 now; with --wait until nothing is open. */
export const drain: Runner<Verbs["drain"]> = async (input, context): Promise<ExitCode> => {
  const { dryRun } = context.globals;
  if (input.timeout !== undefined && !input.wait) throw new CommandLineError("real drain", ["--timeout needs --wait"]);
  const byDaemon = await daemonAnswers(runtimeDir(context));
  if (byDaemon && input.delete) throw refuseDeletion();
  const changes: ReportedChange[] = byDaemon
    ? await throughDaemon(input, "drain", context)
    : setWeight(input, 0, "drain", dryRun);
  if (input.wait && !dryRun) await waitUntilDrained(input, input.timeout ?? WAIT_DEFAULT_MS, context);
  if (input.delete) changes.push(...remove(input, dryRun));
  return reportChanges(changes, context);
};

/** Work again. */
export const undrain: Runner<Verbs["undrain"]> = async (input, context): Promise<ExitCode> => {
  const changes = (await daemonAnswers(runtimeDir(context)))
    ? await throughDaemon(input, "undrain", context, input.weight)
    : setWeight(input, input.weight ?? 1, "undrain", context.globals.dryRun);
  return reportChanges(changes, context);
};
