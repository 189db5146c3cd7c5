import { formatIssues } from "../config/format-issues.ts";
import { parseIpvsadm } from "../import/ipvsadm.ts";
import { formatServicePart } from "../import/service-part.ts";
import type { TableResult } from "../import/table-result.ts";
import type { ExitCode } from "../lib/errors.ts";
import { ConfigFileError } from "./config-file-error.ts";
import type { Runner } from "./context.ts";
import { readInput } from "./read-input.ts";
import type { config as spec } from "./spec/config.ts";

async function readWithNames(text: string): Promise<TableResult> {
  const { withNames } = await import("./names.ts");
  return await withNames((names) => parseIpvsadm(text, names));
}

/** `config import`: the configuration to standard output, what has no counterpart to standard error. */
export const importConfig: Runner<(typeof spec)["verbs"]["import"]> = async (input, { output }): Promise<ExitCode> => {
  const { file, format } = input;
  const { name, text } = readInput("config import", file);
  const result = input.resolve ? await readWithNames(text) : parseIpvsadm(text);
  if (!result.ok) throw new ConfigFileError(name, text, result.issues, "file");
  const config = formatServicePart(result.services);
  if (output.json) {
    output.printJson({ format: format ?? "ipvsadm", config, notes: result.warnings });
    return 0;
  }
  if (result.warnings.length > 0) output.note(formatIssues(text, name, result.warnings, "warning").trimEnd());
  output.write(config);
  return 0;
};
