import { formatIssues } from "../config/format-issues.ts";
import { type ForeignFormat, foreignFormatOf, type ImportResult, importForeign } from "../import/foreign.ts";
import { NO_NAMES } from "../import/name-lookup.ts";
import type { ExitCode } from "../lib/errors.ts";
import { ConfigFileError } from "./config-file-error.ts";
import type { Runner } from "./context.ts";
import { readInput } from "./read-input.ts";
import type { config as spec } from "./spec/config.ts";

async function read(text: string, format: ForeignFormat, resolve: boolean): Promise<ImportResult> {
  if (!resolve) return importForeign(text, format, NO_NAMES);
  const { withNames } = await import("./names.ts");
  return await withNames((names) => importForeign(text, format, names));
}

/** `config import`: the configuration to standard output, what has no counterpart to standard error. */
export const importConfig: Runner<(typeof spec)["verbs"]["import"]> = async (input, { output }): Promise<ExitCode> => {
  const { name, text } = readInput("config import", input.file);
  const format = input.format ?? foreignFormatOf(text);
  const result = await read(text, format, input.resolve);
  if (!result.ok) throw new ConfigFileError(name, text, result.issues, "file");
  if (output.json) {
    output.printJson({ format, config: result.config, notes: result.warnings });
    return 0;
  }
  if (result.warnings.length > 0) output.note(formatIssues(text, name, result.warnings, "warning").trimEnd());
  output.write(result.config);
  return 0;
};
