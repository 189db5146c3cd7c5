/** What `service restore` does with a table that is read: without the readers of texts, which take long to load. */
import { planRestore } from "../../balance/table/plan-restore.ts";
import type { ReadTable } from "../../import/table/table-result.ts";
import type { SavedSettings } from "../../import/table/table-settings.ts";
import type { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import { additions } from "../../kernel/ipvs/ipvs-loader.ts";
import { type ExitCode, TandemError } from "../../lib/errors.ts";
import type { TableRows } from "../../model/server-rows.ts";
import type { VirtualService } from "../../model/virtual-service.ts";
import { performAllOrNothing, settle, takeBack } from "../changes/all-or-nothing.ts";
import { type ReportedChange, reportChanges } from "../changes/changes.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { counted } from "../output/figures.ts";
import type { service as spec } from "../spec/service-spec.ts";
import { restoreSettings } from "./restore-settings.ts";

type RestoreInput = Parameters<Runner<(typeof spec)["verbs"]["restore"]>>[0];

function hasFailure(changes: readonly ReportedChange[]): boolean {
  return changes.some(({ outcome }) => outcome.kind === "failed");
}

/** A file that was cut to nothing must not take a whole site down. What save writes of an empty table has its settings. */
function refuseEmpty(name: string, servicesCount: number): TandemError {
  const reason = `it says nothing, and would remove ${counted(servicesCount, "virtual service")}`;
  return new TandemError({ operation: "restore", subject: name, reason, hint: "tandem service flush removes all" }, 2);
}

/**
 * Makes the changes from the kernel's table to the one that was read, then the settings; when the kernel refuses one, all
 * are undone.
 * @returns the exit code, when everything is reported.
 * @throws TandemError when nothing was saved and something would be removed.
 */
export function restoreRows(
  client: IpvsClient,
  name: string,
  { table, settings }: ReadTable,
  observed: TableRows<VirtualService>,
  { keepOthers, verbose }: RestoreInput,
  context: CommandContext,
): ExitCode {
  const { changes, before } = planRestore(table, observed, keepOthers);
  const servicesCount = table.services.length;
  if (servicesCount === 0 && settings === undefined && changes.length > 0) throw refuseEmpty(name, changes.length);
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
