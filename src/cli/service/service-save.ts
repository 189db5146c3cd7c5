/** `service save` and `restore`: the kernel's table as a text and back. */
import { ConfigFileError } from "../../config/config-file-error.ts";
import { formatIssues } from "../../config/format-issues.ts";
import type { ReadTable, RowsResult } from "../../import/table/table-result.ts";
import { parseTable } from "../../import/table/table-toml.ts";
import type { SavedFormat } from "../../import/words/import-formats.ts";
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import type { ObservedService } from "../../model/ipvs-table.ts";
import { tableRows } from "../../model/server-rows.ts";
import { performAllOrNothing, readTable } from "../changes/all-or-nothing.ts";
import { reportChanges } from "../changes/changes.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { decodeInput, type InputBytes, readInput } from "../line/read-input.ts";
import { ServiceNames } from "../line/service-names.ts";
import type { service as spec } from "../spec/service-spec.ts";
import { type ChangeList, readChangeList } from "./change-list.ts";
import { readSettings } from "./restore-settings.ts";
import { servicesJson } from "./service-table.ts";
import { daemonJson } from "./sync-daemons.ts";

type Verbs = (typeof spec)["verbs"];

/** Prints the kernel's table as JSON; as text: quick-save.ts. */
export function saveJson({ output }: CommandContext): ExitCode {
  using client = IpvsClient.open();
  const { timeouts, daemons } = readSettings(client);
  output.printJson({ timeouts, syncDaemons: daemons.map(daemonJson), services: servicesJson(client.table()) });
  return 0;
}

/** Everything that is not as `save` writes it: other spellings, names of hosts, mistakes. */
async function readAny(bytes: Uint8Array, text: string, format: SavedFormat, resolve: boolean): Promise<RowsResult> {
  switch (format) {
    case "toml": {
      const result = parseTable(text);
      if (!result.ok) return result;
      const { services, ...rest } = result;
      return { ...rest, table: tableRows(services) };
    }
    case "ipvsadm": {
      const { readIpvsadmLines } = await import("../../import/ipvsadm/ipvsadm.ts");
      if (!resolve) return readIpvsadmLines(bytes);
      const { withNames } = await import("../line/names.ts");
      return await withNames((names) => readIpvsadmLines(bytes, names));
    }
  }
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
    const { withNames } = await import("../line/names.ts");
    return await withNames((hosts) => readChangeList(text, before, services.beside(hosts)));
  };
  const list = await read();
  if (!services.isAsked) return list;
  const { lookUpServices } = await import("../line/service-lookup.ts");
  services.known = await lookUpServices(context);
  return await read();
}

type RestoreInput = Parameters<Runner<Verbs["restore"]>>[0];

/** Reads a table that quick-restore.ts could not read by itself. @throws ConfigFileError (exit 2) with every mistake. */
export async function readUnusual(
  source: InputBytes,
  format: SavedFormat,
  { resolve }: RestoreInput,
  context: CommandContext,
): Promise<ReadTable> {
  const { name, text } = decodeInput(source);
  const result = await readAny(source.bytes, text, format, resolve);
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
