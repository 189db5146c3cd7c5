/** `config import`: the file of another product as a configuration, and what has no counterpart. */
import { ConfigFileError } from "../../config/config-file-error.ts";
import { formatIssues } from "../../config/format-issues.ts";
import { foreignFormatOf, type ImportResult, importForeign } from "../../import/foreign-formats.ts";
import { FOREIGN_FORMATS, type ForeignFormat } from "../../import/words/import-formats.ts";
import { NO_NAMES } from "../../import/words/name-lookup.ts";
import { type ExitCode, UsageError } from "../../lib/errors.ts";
import type { Runner } from "../line/context.ts";
import { readInput } from "../line/read-input.ts";
import type { config as spec } from "../spec/config-spec.ts";

async function read(text: string, format: ForeignFormat, resolve: boolean): Promise<ImportResult> {
  if (!resolve) return importForeign(text, format, NO_NAMES);
  const { withNames } = await import("../line/names.ts");
  return await withNames((names) => importForeign(text, format, names));
}

/** One complaint: to read it as one of the formats all the same would be one for each line. */
function unknownFormat(name: string, text: string): UsageError {
  const isOurs = /^\s*\[(?:pair|\[(?:vip|service)\])\]/m.test(text);
  return new UsageError({
    operation: "import",
    subject: name,
    reason: isOurs
      ? "it looks like a configuration of tandem itself"
      : `it is of none of the formats ${FOREIGN_FORMATS.join(", ")}`,
    hint: isOurs ? `look at it with: tandem config check ${name}` : "if it is one of them, say which with --format",
  });
}

/** `config import`: the configuration to standard output, what has no counterpart to standard error. */
export const importConfig: Runner<(typeof spec)["verbs"]["import"]> = async (input, { output }): Promise<ExitCode> => {
  const { name, text } = readInput("config import", input.file);
  const format = input.format ?? foreignFormatOf(text);
  if (format === undefined) throw unknownFormat(name, text);
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
