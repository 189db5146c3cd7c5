import { planRestore, planRestoreRows, type RestorePlan } from "../balance/plan-restore.ts";
import { formatIssues } from "../config/format-issues.ts";
import { parseIpvsadm } from "../import/ipvsadm.ts";
import type { QuickResult } from "../import/quick-toml.ts";
import type { TableResult } from "../import/table-result.ts";
import type { SavedSettings } from "../import/table-settings.ts";
import { parseTable } from "../import/table-toml.ts";
import { IpvsClient } from "../kernel/ipvs-client.ts";
import { additions } from "../kernel/ipvs-loader.ts";
import { type ExitCode, TandemError } from "../lib/errors.ts";
import type { ObservedService } from "../model/ipvs-table.ts";
import type { TableRows } from "../model/server-rows.ts";
import type { VirtualService } from "../model/virtual-service.ts";
import { performAllOrNothing, readTable, settle, takeBack } from "./all-or-nothing.ts";
import { type ChangeList, readChangeList } from "./change-list.ts";
import { type ReportedChange, reportChanges } from "./changes.ts";
import { ConfigFileError } from "./config-file-error.ts";
import type { CommandContext, Runner } from "./context.ts";
import { counted } from "./figures.ts";
import { type InputText, readInput } from "./read-input.ts";
import { readSettings, restoreSettings } from "./restore-settings.ts";
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
): Promise<ChangeList> {
  if (!resolve) return readChangeList(text, before);
  const { withNames } = await import("./names.ts");
  return await withNames((names) => readChangeList(text, before, names));
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
  const list = await readList(text, before, resolve);
  if (!list.ok) throw new ConfigFileError(name, text, list.issues, "list of changes");
  return reportChanges(performAllOrNothing(client, list.changes, before, context.globals.dryRun), context);
};

function hasFailure(changes: readonly ReportedChange[]): boolean {
  return changes.some(({ outcome }) => outcome.kind === "failed");
}

/** A file that was cut to nothing must not take a whole site down. What save writes of an empty table has its settings. */
function refuseEmpty(name: string, servicesCount: number): TandemError {
  const reason = `it says nothing, and would remove ${counted(servicesCount, "virtual service")}`;
  return new TandemError({ operation: "restore", subject: name, reason, hint: "tandem service flush removes all" }, 2);
}

/** Makes the kernel's table what the text says, by the smallest set of changes: the services, then the settings. */
export async function restoreText(source: InputText, input: RestoreInput, context: CommandContext): Promise<ExitCode> {
  const { services, settings } = await readSaved(source, input, context);
  using client = IpvsClient.open();
  const plan = planRestore(services, readTable(client), input.keepOthers);
  if (services.length === 0 && settings === undefined && plan.changes.length > 0) {
    throw refuseEmpty(source.name, plan.changes.length);
  }
  return perform(client, plan, settings, input, context);
}

/** `restoreText` of a table that quick-restore.ts has read, from the kernel's table as rows. */
export function restoreRows(
  client: IpvsClient,
  name: string,
  { table, settings }: QuickResult,
  observed: TableRows<VirtualService>,
  input: RestoreInput,
  context: CommandContext,
): ExitCode {
  const plan = planRestoreRows(table, observed, input.keepOthers);
  if (table.services.length === 0 && settings === undefined && plan.changes.length > 0) {
    throw refuseEmpty(name, plan.changes.length);
  }
  return perform(client, plan, settings, input, context);
}

function perform(
  client: IpvsClient,
  { changes, before }: RestorePlan,
  settings: SavedSettings | undefined,
  { verbose }: RestoreInput,
  context: CommandContext,
): ExitCode {
  const { dryRun } = context.globals;
  const many = verbose ? "named" : "counted";
  const made = performAllOrNothing(client, changes, before, dryRun);
  if (settings === undefined || hasFailure(made)) return reportChanges(made, context, many);
  const settled = restoreSettings(client, settings, dryRun);
  return reportChanges(
    [...(hasFailure(settled) ? takeBack(client, changes, before) : made), ...settled],
    context,
    many,
  );
}

/**
 * Ends what quick-restore.ts began: a table was loaded into a kernel that had none.
 * @param errors of the changes, by their numbers
 * @param tell says that all were made
 */
export async function finishLoad(
  client: IpvsClient,
  table: TableRows<VirtualService>,
  errors: ReadonlyMap<number, TandemError>,
  settings: SavedSettings | undefined,
  context: CommandContext,
  tell: () => Promise<void>,
): Promise<ExitCode> {
  if (errors.size > 0) return reportChanges(settle(client, additions(table), new Map(), errors), context);
  const settled = settings === undefined ? [] : restoreSettings(client, settings, false);
  if (hasFailure(settled)) {
    return reportChanges([...takeBack(client, additions(table), new Map()), ...settled], context);
  }
  await tell();
  return settled.length === 0 ? 0 : reportChanges(settled, context);
}
