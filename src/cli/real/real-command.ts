/** `tandem real`: real servers added, changed and removed in the kernel, or with `--keep` through the daemon. */
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { TandemError } from "../../lib/errors.ts";
import { type Endpoint, formatEndpoint } from "../../model/address.ts";
import type { IpvsChange, ObservedServer } from "../../model/ipvs-table.ts";
import { realServerKey } from "../../model/real-server.ts";
import { newServer, type ServerSettings, withServerSettings } from "../../model/server-settings.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import { reportChanges } from "../changes/changes.ts";
import { describeIpvsChange, performIpvsChanges, unchanged } from "../changes/ipvs-changes.ts";
import type { Runner, Runners } from "../line/context.ts";
import { withServicePort } from "../line/service-port.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import { mustFindService } from "../service/service-errors.ts";
import type { real as spec } from "../spec/real-spec.ts";

type Verbs = (typeof spec)["verbs"];

function findServer(servers: readonly ObservedServer[], endpoint: Endpoint): ObservedServer | undefined {
  const wanted = formatEndpoint(endpoint);
  return servers.find((candidate) => realServerKey(candidate.server) === wanted);
}

function noSuchServer(key: ServiceKey, endpoint: Endpoint): TandemError {
  return new TandemError({
    operation: "find real server",
    subject: formatEndpoint(endpoint),
    reason: `${formatServiceKey(key)} has no such server`,
    hint: `tandem real list ${formatServiceKey(key)} shows those that it has`,
  });
}

const list: Runner<Verbs["list"]> = async (input, context) => (await import("./real-list.ts")).list(input, context);

/** What the flags say of a server's settings, and nothing else of the input. */
function settingsOf(input: ServerSettings): ServerSettings {
  const { forward, weight, upperThreshold, lowerThreshold, tunnelType, tunnelPort, tunnelChecksum } = input;
  return { forward, weight, upperThreshold, lowerThreshold, tunnelType, tunnelPort, tunnelChecksum };
}

const add: Runner<Verbs["add"]> = async (input, context) => {
  if (!input.keep) return addToKernel(input, context);
  const { keepServer } = await import("./keep.ts");
  const order = { kind: "add", settings: settingsOf(input), orEdit: input.orEdit } as const;
  return await keepServer(input.service, input.server, order, context);
};

const addToKernel: Runner<Verbs["add"]> = (input, context) => {
  const endpoint = withServicePort(input.service, input.server);
  const wanted = withServerSettings(newServer(endpoint), input, input.service);
  if (!wanted.ok) throw new CommandLineError("real add", [wanted.problem]);
  using client = IpvsClient.open();
  const present = findServer(mustFindService(client, input.service).servers, endpoint)?.server;
  const kind = present !== undefined && input.orEdit ? "edit-server" : "add-server";
  const change: IpvsChange = { kind, key: input.service, server: wanted.value };
  if (input.orEdit && Bun.deepEquals(present, wanted.value, true)) {
    return reportChanges([unchanged(describeIpvsChange(change), "it is so already")], context);
  }
  if (present !== undefined && kind === "add-server" && context.globals.dryRun) {
    throw new TandemError({
      operation: "add real server",
      subject: `${formatEndpoint(endpoint)} of ${formatServiceKey(input.service)}`,
      reason: "the service has it already",
      hint: "use `tandem real edit`, or --or-edit",
    });
  }
  return reportChanges(performIpvsChanges(client, [change], context.globals.dryRun), context);
};

const edit: Runner<Verbs["edit"]> = async (input, context) => {
  if (!input.keep) return editInKernel(input, context);
  const { keepServer } = await import("./keep.ts");
  return await keepServer(input.service, input.server, { kind: "edit", settings: settingsOf(input) }, context);
};

const editInKernel: Runner<Verbs["edit"]> = (input, context) => {
  const endpoint = withServicePort(input.service, input.server);
  using client = IpvsClient.open();
  const present = findServer(mustFindService(client, input.service).servers, endpoint)?.server;
  if (present === undefined) throw noSuchServer(input.service, endpoint);
  const wanted = withServerSettings(present, input, input.service);
  if (!wanted.ok) throw new CommandLineError("real edit", [wanted.problem]);
  const change: IpvsChange = { kind: "edit-server", key: input.service, server: wanted.value };
  if (Bun.deepEquals(present, wanted.value, true)) {
    return reportChanges([unchanged(describeIpvsChange(change), "it is so already")], context);
  }
  return reportChanges(performIpvsChanges(client, [change], context.globals.dryRun), context);
};

const del: Runner<Verbs["del"]> = async (input, context) => {
  if (!input.keep) return deleteFromKernel(input, context);
  const { keepServer } = await import("./keep.ts");
  return await keepServer(input.service, input.server, { kind: "del", ifExists: input.ifExists }, context);
};

const reset: Runner<Verbs["reset"]> = async (input, context) =>
  (await import("./keep.ts")).keepServer(input.service, input.server, { kind: "reset" }, context);

const deleteFromKernel: Runner<Verbs["del"]> = (input, context) => {
  const endpoint = withServicePort(input.service, input.server);
  const change: IpvsChange = { kind: "delete-server", key: input.service, endpoint };
  using client = IpvsClient.open();
  const observed = input.ifExists ? client.service(input.service) : mustFindService(client, input.service);
  if (findServer(observed?.servers ?? [], endpoint) === undefined) {
    if (!input.ifExists) throw noSuchServer(input.service, endpoint);
    return reportChanges([unchanged(describeIpvsChange(change), "it is not there")], context);
  }
  return reportChanges(performIpvsChanges(client, [change], context.globals.dryRun), context);
};

const drain: Runner<Verbs["drain"]> = async (input, context) =>
  (await import("../drain/drain.ts")).drain(input, context);

const undrain: Runner<Verbs["undrain"]> = async (input, context) =>
  (await import("../drain/drain.ts")).undrain(input, context);

export const runners: Runners<typeof spec> = { list, add, edit, del, reset, drain, undrain };
