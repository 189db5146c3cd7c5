import { NEEDS_READER } from "../import/quick-table.ts";
import type { QuickResult } from "../import/quick-toml.ts";
import { IpvsClient } from "../kernel/ipvs-client.ts";
import type { ExitCode } from "../lib/errors.ts";
import type { TableRows } from "../model/server-rows.ts";
import type { VirtualService } from "../model/virtual-service.ts";
import { countsText, LINES_TOLD_MAX } from "./change-counts.ts";
import type { CommandContext, Runner } from "./context.ts";
import { decodeInput, type InputBytes, readInputBytes } from "./read-input.ts";
import type { service as spec } from "./spec/service.ts";

/**
 * `service restore` of an ordinary table: into a kernel that has none straight from the text to the kernel's messages, in
 * an eighth of the time; else as rows of numbers up to what differs. A text that is not ordinary, by a mistake above all,
 * goes the whole way, in service-save.ts, and comes out as it does there.
 */

type Restore = (typeof spec)["verbs"]["restore"];
type Input = Parameters<Runner<Restore>>[0];

/** The lines of ipvsadm begin with a dash. */
const DASH = 0x2d;

async function readQuick(bytes: Uint8Array, format: Input["format"]): Promise<QuickResult | undefined> {
  const isIpvsadm = bytes[0] === DASH;
  if (format !== undefined && (format === "ipvsadm") !== isIpvsadm) return undefined;
  if (isIpvsadm) {
    const { readQuickIpvsadm } = await import("../import/quick-ipvsadm.ts");
    let table = readQuickIpvsadm(bytes);
    if (table === NEEDS_READER) {
      table = readQuickIpvsadm(bytes, (await import("../import/ipvsadm.ts")).parseIpvsadm);
    }
    return table === undefined || table === NEEDS_READER ? undefined : { table };
  }
  const { readQuickToml } = await import("../import/quick-toml.ts");
  let result = readQuickToml(bytes);
  if (result === NEEDS_READER) result = readQuickToml(bytes, (await import("../import/table-toml.ts")).parseTable);
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
async function restoreTable(
  result: QuickResult,
  name: string,
  input: Input,
  context: CommandContext,
): Promise<ExitCode> {
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
  const source: InputBytes = readInputBytes("service restore", input.file);
  const quick = await readQuick(source.bytes, input.format);
  if (quick !== undefined) return await restoreTable(quick, source.name, input, context);
  // Here the same runs over and over: now compiling pays.
  Bun.unsafe.setJITPolicy(1);
  return (await import("./service-save.ts")).restoreText(decodeInput(source), input, context);
};
