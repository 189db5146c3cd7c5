/** `service add`, `edit`, `del`, `flush` and `zero`: what changes the services of the kernel. */
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import { TandemError } from "../../lib/errors.ts";
import type { IpvsChange } from "../../model/ipvs-table.ts";
import { formatServiceKey } from "../../model/virtual-service.ts";
import { type ReportedChange, reportChanges } from "../changes/changes.ts";
import { describeIpvsChange, performIpvsChanges, unchanged } from "../changes/ipvs-changes.ts";
import type { Runner } from "../line/context.ts";
import { CommandLineError } from "../output/command-line-error.ts";
import type { service as spec } from "../spec/service-spec.ts";
import { noSuchService } from "./service-errors.ts";
import { newService, withSettings } from "./service-settings.ts";

type Verbs = (typeof spec)["verbs"];

export const add: Runner<Verbs["add"]> = (input, context) => {
  const wanted = withSettings(newService(input.service), input);
  if (!wanted.ok) throw new CommandLineError("service add", [wanted.problem]);
  using client = IpvsClient.open();
  const present = client.service(input.service)?.service;
  const kind = present !== undefined && input.orEdit ? "edit-service" : "add-service";
  const change: IpvsChange = { kind, service: wanted.value };
  if (input.orEdit && Bun.deepEquals(present, wanted.value, true)) {
    return reportChanges([unchanged(describeIpvsChange(change), "it is so already")], context);
  }
  if (present !== undefined && kind === "add-service" && context.globals.dryRun) {
    throw new TandemError({
      operation: "add virtual service",
      subject: formatServiceKey(input.service),
      reason: "it exists already",
      hint: "use `tandem service edit`, or --or-edit",
    });
  }
  return reportChanges(performIpvsChanges(client, [change], context.globals.dryRun), context);
};

export const edit: Runner<Verbs["edit"]> = (input, context) => {
  using client = IpvsClient.open();
  const present = client.service(input.service)?.service;
  if (present === undefined) throw noSuchService(input.service);
  const wanted = withSettings(present, input);
  if (!wanted.ok) throw new CommandLineError("service edit", [wanted.problem]);
  const change: IpvsChange = { kind: "edit-service", service: wanted.value };
  if (Bun.deepEquals(present, wanted.value, true)) {
    return reportChanges([unchanged(describeIpvsChange(change), "it is so already")], context);
  }
  return reportChanges(performIpvsChanges(client, [change], context.globals.dryRun), context);
};

export const del: Runner<Verbs["del"]> = ({ services, ifExists }, context) => {
  using client = IpvsClient.open();
  const present = new Set(client.services().map((observed) => formatServiceKey(observed.service.key)));
  // A service that is named twice is removed once.
  const named = new Map(services.map((key) => [formatServiceKey(key), key]));
  const reported = [...named.values()].map((key): ReportedChange | IpvsChange => {
    const change: IpvsChange = { kind: "delete-service", key };
    if (present.has(formatServiceKey(key))) return change;
    const described = describeIpvsChange(change);
    return ifExists
      ? unchanged(described, "it is not there")
      : { ...described, outcome: { kind: "failed", error: noSuchService(key) } };
  });
  const changes = reported.flatMap((entry) => ("kind" in entry ? [entry] : []));
  const rest = reported.flatMap((entry) => ("kind" in entry ? [] : [entry]));
  return reportChanges([...performIpvsChanges(client, changes, context.globals.dryRun), ...rest], context);
};

export const flush: Runner<Verbs["flush"]> = (_input, context): ExitCode => {
  using client = IpvsClient.open();
  const { dryRun } = context.globals;
  const removed = client.services().map(({ service: { key } }): ReportedChange => {
    const change = describeIpvsChange({ kind: "delete-service", key });
    return { ...change, outcome: { kind: dryRun ? "planned" : "done" } };
  });
  if (!dryRun) client.flush();
  return reportChanges(removed, context);
};

export const zero: Runner<Verbs["zero"]> = ({ service }, context): ExitCode => {
  using client = IpvsClient.open();
  if (service !== undefined && client.service(service) === undefined) throw noSuchService(service);
  const change: IpvsChange = { kind: "zero", ...(service === undefined ? {} : { key: service }) };
  return reportChanges(performIpvsChanges(client, [change], context.globals.dryRun), context);
};
