import { renameSync, unlinkSync, writeFileSync } from "node:fs";
import { planService } from "../balance/plan.ts";
import { formatIssues } from "../config/format-issues.ts";
import { parseIpvsadm } from "../import/ipvsadm.ts";
import { formatIpvsadm } from "../import/ipvsadm-format.ts";
import type { TableResult } from "../import/table-result.ts";
import { formatTable, parseTable } from "../import/table-toml.ts";
import { IpvsClient } from "../kernel/ipvs-client.ts";
import type { IpvsChange, WantedService } from "../model/ipvs-table.ts";
import { formatServiceKey } from "../model/virtual-service.ts";
import { performAllOrNothing, readTable } from "./all-or-nothing.ts";
import { readChangeList } from "./change-list.ts";
import { reportChanges } from "./changes.ts";
import { ConfigFileError } from "./config-file-error.ts";
import type { CommandContext, Runner } from "./context.ts";
import { counted } from "./figures.ts";
import { writeFailure } from "./file-failure.ts";
import { portNames } from "./port-names.ts";
import { readInput } from "./read-input.ts";
import { servicesJson } from "./service-table.ts";
import type { service as spec } from "./spec/service.ts";

/** `service save` and `restore`: the kernel's table as a text and back. */

type Verbs = (typeof spec)["verbs"];
type TableFormat = "toml" | "ipvsadm";

function formatted(table: readonly WantedService[], format: TableFormat): string {
  return format === "ipvsadm" ? formatIpvsadm(table) : formatTable(table);
}

/** Writes beside the file first, so that a full disk leaves the old one whole. */
function writeWhole(file: string, text: string): void {
  const partial = `${file}.new`;
  try {
    writeFileSync(partial, text);
    renameSync(partial, file);
  } catch (cause) {
    try {
      unlinkSync(partial);
    } catch {
      // It was never made.
    }
    throw writeFailure("write", file, cause);
  }
}

/** Prints the kernel's table, or writes it to a file. */
export const save: Runner<Verbs["save"]> = ({ file, format }, { output, globals }) => {
  using client = IpvsClient.open();
  const observed = client.table(output.json ? "counted" : "skipped");
  if (output.json) {
    output.printJson({ services: servicesJson(observed) });
    return 0;
  }
  const table = observed.map(({ service, servers }) => ({ service, servers: servers.map(({ server }) => server) }));
  const text = formatted(table, format ?? "toml");
  if (file === undefined || file === "-") output.write(text);
  else {
    if (!globals.dryRun) writeWhole(file, text);
    output.note(`${globals.dryRun ? "would write" : "wrote"} ${counted(table.length, "service")} to ${file}`);
  }
  return 0;
};

/** The lines of ipvsadm begin with a dash; no line of TOML does at its outermost. */
function formatOf(text: string): TableFormat {
  const first = text.split("\n").find((line) => !/^\s*(#.*)?$/.test(line));
  return first !== undefined && /^\s*(ipvsadm\s+)?-/.test(first) ? "ipvsadm" : "toml";
}

function parseText(text: string, format: TableFormat): TableResult {
  return format === "ipvsadm" ? parseIpvsadm(text, portNames()) : parseTable(text);
}

/** Reads a table. @throws ConfigFileError (exit 2) with every mistake. */
async function readSaved(
  file: string | undefined,
  format: TableFormat | undefined,
  context: CommandContext,
): Promise<readonly WantedService[]> {
  const { name, text } = await readInput("service restore", file);
  const result = parseText(text, format ?? formatOf(text));
  if (!result.ok) throw new ConfigFileError(name, text, result.issues, "table");
  if (!context.output.json && result.warnings.length > 0) {
    context.output.note(formatIssues(text, name, result.warnings, "warning").trimEnd());
  }
  return result.services;
}

/** Makes the changes of a list, all of them or none. */
export const apply: Runner<Verbs["apply"]> = async ({ file }, context) => {
  const { name, text } = await readInput("service apply", file);
  using client = IpvsClient.open();
  const before = readTable(client);
  const list = readChangeList(text, before);
  if (!list.ok) throw new ConfigFileError(name, text, list.issues, "list of changes");
  return reportChanges(performAllOrNothing(client, list.changes, before, context.globals.dryRun), context);
};

/** Makes the kernel's table what the text says, by the smallest set of changes. */
export const restore: Runner<Verbs["restore"]> = async ({ file, format, keepOthers }, context) => {
  const wanted = await readSaved(file, format, context);
  using client = IpvsClient.open();
  const before = readTable(client);
  const others = new Map(before);
  const changes = wanted.flatMap((service): IpvsChange[] => {
    const name = formatServiceKey(service.service.key);
    others.delete(name);
    return planService(service, before.get(name));
  });
  if (!keepOthers) {
    for (const { service } of others.values()) changes.push({ kind: "delete-service", key: service.key });
  }
  return reportChanges(performAllOrNothing(client, changes, before, context.globals.dryRun), context);
};
