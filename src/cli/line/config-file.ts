/** The configuration that a command means, read and checked. */
import { ConfigFileError } from "../../config/config-file-error.ts";
import { formatIssues } from "../../config/format-issues.ts";
import type { Config, ConfigIssue } from "../../config/keys/config.ts";
import { loadConfig } from "../../config/load.ts";
import type { Places } from "../../config/places/places.ts";
import type { CommandContext } from "./context.ts";
import { configPath } from "./directories.ts";

export interface ValidConfig {
  readonly path: string;
  readonly text: string;
  readonly config: Config;
  readonly warnings: readonly ConfigIssue[];
  readonly places: Places;
}

/**
 * Reads the configuration that a command means: FILE, or that of --config. Warnings go to standard error.
 * @throws ConfigFileError (exit 2) with every mistake, TandemError when the file can't be read.
 */
export function readConfig(context: CommandContext, file?: string): ValidConfig {
  const { path, text, result, places } = loadConfig(file ?? configPath(context));
  if (!result.ok) throw new ConfigFileError(path, text, result.issues);
  if (!context.output.json && result.warnings.length > 0) {
    context.output.note(formatIssues(text, path, result.warnings, "warning").trimEnd());
  }
  return { path, text, config: result.config, warnings: result.warnings, places };
}
