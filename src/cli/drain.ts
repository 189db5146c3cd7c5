import { askDaemon, daemonAnswers } from "../daemon/control-client.ts";
import { IpvsClient } from "../kernel/ipvs-client.ts";
import { type ExitCode, StateError, TandemError } from "../lib/errors.ts";
import { type Endpoint, formatEndpoint } from "../model/address.ts";
import { formatSpan } from "../model/duration.ts";
import type { IpvsChange, ObservedServer } from "../model/ipvs-table.ts";
import { realServerKey } from "../model/real-server.ts";
import { formatServiceKey, type ServiceKey } from "../model/virtual-service.ts";
import { type ReportedChange, reportChanges } from "./changes.ts";
import { CommandLineError } from "./command-line-error.ts";
import type { CommandContext, Runner } from "./context.ts";
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

/** The real server in each service that is meant. @throws TandemError when none has it. */
function find(client: IpvsClient, target: Target): Found[] {
  const found = client.table().flatMap(({ service: { key }, servers }): Found[] => {
    if (target.service !== "all" && formatServiceKey(key) !== formatServiceKey(target.service)) return [];
    const wanted = formatEndpoint(withServicePort(key, target.server));
    const observed = servers.find((server) => realServerKey(server.server) === wanted);
    return observed === undefined ? [] : [{ key, observed }];
  });
  if (found.length > 0) return found;
  const where =
    target.service === "all" ? "no virtual service has it" : `${formatServiceKey(target.service)} has no such server`;
  throw new TandemError({
    operation: "find real server",
    subject: formatEndpoint(target.server),
    reason: where,
    hint: "tandem real list shows those that there are",
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

/** Asks the daemon, which keeps the drain over reload, restart and failover. */
async function throughDaemon(target: Target, verb: "drain" | "undrain", context: CommandContext) {
  const change = { do: verb, subject: targetText(target), detail: "by the daemon" } as const;
  if (context.globals.dryRun) return [{ ...change, outcome: { kind: "planned" } } as const];
  const { service } = target;
  const endpoint = service === "all" ? target.server : withServicePort(service, target.server);
  const request = { command: verb, endpoint, ...(service === "all" ? {} : { service }) } as const;
  await askDaemon(runtimeDir(context), request, (message) => context.output.note(message));
  return [{ ...change, outcome: { kind: "done" } } as const];
}

interface Remaining {
  readonly open: number;
  /** Clients that come back to the server while it remembers them; they are no open connections and end by their timeout. */
  readonly persistent: number;
}

function remaining(found: readonly Found[]): Remaining {
  return found.reduce(
    ({ open, persistent }, { observed }) => ({
      open: open + observed.activeConnections + observed.inactiveConnections,
      persistent: persistent + observed.persistentConnections,
    }),
    { open: 0, persistent: 0 },
  );
}

function remainingText({ open, persistent }: Remaining): string {
  const clients = persistent === 0 ? "" : ` and ${counted(persistent, "persistent client")}`;
  return `${counted(open, "open connection")}${clients}`;
}

const POLL_INTERVAL_MS = 500;
const PROGRESS_INTERVAL_MS = 5_000;
const WAIT_DEFAULT_MS = 600_000;

/** Waits until no connection is open. @throws StateError (exit 3) when some still are at the end. */
async function waitUntilDrained(target: Target, limitMs: number, context: CommandContext): Promise<void> {
  using client = IpvsClient.open();
  const beganMs = performance.now();
  let toldMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const left = remaining(find(client, target));
    const elapsedMs = performance.now() - beganMs;
    if (left.open === 0) {
      context.output.note(`no open connections after ${formatSpan(elapsedMs)}`);
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
  const changes = find(client, target).map(({ key, observed }): IpvsChange => {
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
    ? await throughDaemon(input, "undrain", context)
    : setWeight(input, input.weight ?? 1, "undrain", context.globals.dryRun);
  return reportChanges(changes, context);
};
