/**
 * `service restore`: into a kernel that has no table straight from the text to the kernel's messages; else as rows of
 * numbers up to what differs. The readers of unusual lines, of TOML that `save` did not write, and of mistakes take long
 * to load, and are loaded when there is one.
 */
import { NEEDS_READER } from "../../import/table/quick-table.ts";
import type { ReadTable } from "../../import/table/table-result.ts";
import type { SavedFormat } from "../../import/words/import-formats.ts";
import { IpvsClient } from "../../kernel/ipvs/ipvs-client.ts";
import type { ExitCode } from "../../lib/errors.ts";
import type { TableRows } from "../../model/server-rows.ts";
import type { VirtualService } from "../../model/virtual-service.ts";
import { countsText, LINES_TOLD_MAX } from "../changes/change-counts.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { decodeInput, type InputBytes, readInputBytes } from "../line/read-input.ts";
import type { service as spec } from "../spec/service-spec.ts";

type Restore = (typeof spec)["verbs"]["restore"];
type Input = Parameters<Runner<Restore>>[0];

const DASH = 0x2d;

const LINE_END = 0x0a;

/** The first line that is neither empty nor a comment begins with a dash; at its outermost no line of TOML does. */
function formatOf(bytes: Uint8Array): SavedFormat {
  if (bytes[0] === DASH) return "ipvsadm";
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LINE_END, start);
    const end = found < 0 ? bytes.length : found;
    const line = Buffer.from(bytes.subarray(start, end)).toString();
    if (!/^\s*(#.*)?$/.test(line)) return /^\s*(ipvsadm\s+)?-/.test(line) ? "ipvsadm" : "toml";
    start = end + 1;
  }
  return "toml";
}

/** Reads lines of ipvsadm; undefined where there is anything to say about them, or a name to look up. */
async function readLines(source: InputBytes): Promise<ReadTable | undefined> {
  const { bytes } = source;
  const { readIpvsadm } = await import("../../import/ipvsadm/ipvsadm-reader.ts");
  const table = readIpvsadm(bytes);
  if (table !== NEEDS_READER) return { table: table.finish() };
  decodeInput(source);
  const { readIpvsadmLines } = await import("../../import/ipvsadm/ipvsadm.ts");
  const result = readIpvsadmLines(bytes, undefined, compile);
  return result.ok && result.warnings.length === 0 ? result : undefined;
}

/** From here on compiling what reads TOML takes less time than it saves. */
const MANY_CHARACTERS = 20_000;

/** Where the same runs over and over, compiling pays. */
function compile(): void {
  Bun.unsafe.setJITPolicy(1);
}

/** Reads a table with nothing to be said about it; undefined for any other, and for TOML that `save` did not write. */
async function readUsual(source: InputBytes, format: SavedFormat): Promise<ReadTable | undefined> {
  switch (format) {
    case "ipvsadm":
      return await readLines(source);
    case "toml":
      return await readToml(source);
  }
}

/** Reads TOML; undefined where that is not as `save` writes it. */
async function readToml(source: InputBytes): Promise<ReadTable | undefined> {
  const { readQuickToml } = await import("../../import/table/quick-toml.ts");
  let result = readQuickToml(source.bytes);
  if (result === NEEDS_READER) {
    const { parseTable } = await import("../../import/table/table-toml.ts");
    let parsed = 0;
    result = readQuickToml(source.bytes, (text) => {
      parsed += text.length;
      if (parsed > MANY_CHARACTERS) compile();
      return parseTable(text);
    });
  }
  return result === NEEDS_READER ? undefined : result;
}

/** Says what was made, in the words of `reportChanges`. */
async function tell(table: TableRows<VirtualService>, verbose: boolean, { output }: CommandContext): Promise<void> {
  const { services, servers } = table;
  if (verbose || services.length + servers.count <= LINES_TOLD_MAX) {
    const { writeAdditions } = await import("./added-lines.ts");
    writeAdditions(table, output);
    return;
  }
  const done = output.palette("good", "added");
  const counts = [
    { done, noun: "virtual service", count: services.length },
    { done, noun: "real server", count: servers.count },
  ];
  output.lines([countsText(counts.filter(({ count }) => count > 0))]);
}

/** Makes the kernel's table what was read. */
async function restoreTable(result: ReadTable, name: string, input: Input, context: CommandContext): Promise<ExitCode> {
  const { table, settings } = result;
  using client = IpvsClient.open();
  const observed = client.tableRows();
  const isLoad = table.services.length > 0 && observed.services.length === 0;
  if (!isLoad || context.output.json || context.globals.dryRun) {
    const { restoreRows } = await import("./restore-rows.ts");
    return restoreRows(client, name, result, observed, input, context);
  }
  const errors = client.load(table);
  if (errors.size > 0 || settings !== undefined) {
    const { finishLoad } = await import("./restore-rows.ts");
    return finishLoad(client, table, errors, settings, context, () => tell(table, input.verbose, context));
  }
  await tell(table, input.verbose, context);
  return 0;
}

/** Makes the kernel's table what the text says, by the smallest set of changes: the services, then the settings. */
export const restore: Runner<Restore> = async (input, context) => {
  const source = readInputBytes("service restore", input.file);
  const format = input.format ?? formatOf(source.bytes);
  const usual = await readUsual(source, format);
  if (usual !== undefined) return await restoreTable(usual, source.name, input, context);
  compile();
  const { readUnusual } = await import("./service-save.ts");
  return await restoreTable(await readUnusual(source, format, input, context), source.name, input, context);
};
