import { planRestore } from "../balance/plan-restore.ts";
import { ConfigFileError } from "../config/config-file-error.ts";
import { formatIssues } from "../config/format-issues.ts";
import { parseIpvsadm } from "../import/ipvsadm.ts";
import type { TableResult } from "../import/table-result.ts";
import { parseTable } from "../import/table-toml.ts";
import { IpvsClient } from "../kernel/ipvs-client.ts";
import type { ExitCode } from "../lib/errors.ts";
import type { ObservedService } from "../model/ipvs-table.ts";
import { performAllOrNothing, readTable } from "./all-or-nothing.ts";
import { type ChangeList, readChangeList } from "./change-list.ts";
import { reportChanges } from "./changes.ts";
import type { CommandContext, Runner } from "./context.ts";
import { type InputText, readInput } from "./read-input.ts";
import { performRestore } from "./restore-rows.ts";
import { readSettings } from "./restore-settings.ts";
import { ServiceNames } from "./service-names.ts";
import { servicesJson } from "./service-table.ts";
import type { service as spec } from "./spec/service.ts";
import { daemonJson } from "./sync-daemons.ts";

/** `service save` and `restore`: the kernel's table as a text and back. */

type Verbs = (typeof spec)["verbs"];
type TableFormat = "toml" | "ipvsadm";

/** Prints the kernel's table as JSON; as text: quick-save.ts. */
export function saveJson({ output }: CommandContext): ExitCode {
  using client = IpvsClient.open();
  const { timeouts, daemons } = readSettings(client);
  output.printJson({ timeouts, syncDaemons: daemons.map(daemonJson), services: servicesJson(client.table()) });
  return 0;
}

/** The lines of ipvsadm begin with a dash; no line of TOML does at its outermost. */
function formatOf(text: string): TableFormat {
  const first = text.split("\n").find((line) => !/^\s*(#.*)?$/.test(line));
  return first !== undefined && /^\s*(ipvsadm\s+)?-/.test(first) ? "ipvsadm" : "toml";
}

async function parseText(text: string, format: TableFormat, resolve: boolean): Promise<TableResult> {
  if (format === "toml") return parseTable(text);
  if (!resolve) return parseIpvsadm(text);
  const { withNames } = await import("./names.ts");
  return await withNames((names) => parseIpvsadm(text, names));
}

async function readList(
  text: string,
  before: ReadonlyMap<string, ObservedService>,
  resolve: boolean,
  context: CommandContext,
): Promise<ChangeList> {
  const services = new ServiceNames();
  const read = async (): Promise<ChangeList> => {
    if (!resolve) return readChangeList(text, before, services);
    const { withNames } = await import("./names.ts");
    return await withNames((hosts) => readChangeList(text, before, services.beside(hosts)));
  };
  const list = await read();
  if (!services.isAsked) return list;
  const { lookUpServices } = await import("./service-lookup.ts");
  services.known = await lookUpServices(context);
  return await read();
}

type SavedTable = Extract<TableResult, { readonly ok: true }>;

type RestoreInput = Parameters<Runner<Verbs["restore"]>>[0];

/** Reads a table. @throws ConfigFileError (exit 2) with every mistake. */
async function readSaved(
  { name, text }: InputText,
  { format, resolve }: RestoreInput,
  context: CommandContext,
): Promise<SavedTable> {
  const result = await parseText(text, format ?? formatOf(text), resolve);
  if (!result.ok) throw new ConfigFileError(name, text, result.issues, "table");
  if (!context.output.json && result.warnings.length > 0) {
    context.output.note(formatIssues(text, name, result.warnings, "warning").trimEnd());
  }
  return result;
}

/** Makes the changes of a list, all of them or none. */
export const apply: Runner<Verbs["apply"]> = async ({ file, resolve }, context) => {
  const { name, text } = readInput("service apply", file);
  using client = IpvsClient.open();
  const before = readTable(client);
  const list = await readList(text, before, resolve, context);
  if (!list.ok) throw new ConfigFileError(name, text, list.issues, "list of changes");
  return reportChanges(performAllOrNothing(client, list.changes, before, context.globals.dryRun), context);
};

/** Makes the kernel's table what the text says, by the smallest set of changes: the services, then the settings. */
export async function restoreText(source: InputText, input: RestoreInput, context: CommandContext): Promise<ExitCode> {
  const { services, settings } = await readSaved(source, input, context);
  using client = IpvsClient.open();
  const saved = { name: source.name, servicesCount: services.length, settings };
  return performRestore(client, planRestore(services, readTable(client), input.keepOthers), saved, input, context);
}
