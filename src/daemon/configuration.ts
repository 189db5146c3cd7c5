import type { Config } from "../config/config.ts";
import { formatIssues } from "../config/format-issues.ts";
import type { PairKeys } from "../config/key-file.ts";
import { loadConfig, loadKeys } from "../config/load.ts";
import { UsageError } from "../lib/errors.ts";

/** A configuration with its keys, both usable. */
export interface UsableConfig {
  readonly config: Config;
  readonly keys: PairKeys;
  readonly warnings: readonly string[];
}

/**
 * Reads configuration and keys.
 * @throws TandemError (exit 2 for mistakes, all of them in its reason).
 */
export function readConfiguration(path: string): UsableConfig {
  const { text, result } = loadConfig(path);
  if (!result.ok) {
    const count = result.issues.length;
    throw new UsageError({
      operation: "use configuration",
      subject: path,
      reason: `it has ${count} ${count === 1 ? "mistake" : "mistakes"}\n${formatIssues(text, path, result.issues)}`,
    });
  }
  const warnings = result.warnings.map((issue) => `${path}:${issue.line}: ${issue.message}`);
  return { config: result.config, keys: loadKeys(result.config.pair.keyFile), warnings };
}
