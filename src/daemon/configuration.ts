import type { Config } from "../config/config.ts";
import { formatIssues } from "../config/format-issues.ts";
import type { PairKeys } from "../config/key-file.ts";
import { type LoadedConfig, loadConfig, loadKeys } from "../config/load.ts";
import { UsageError } from "../lib/errors.ts";

/** A configuration with its keys, both usable. */
export interface UsableConfig {
  readonly config: Config;
  readonly keys: PairKeys;
  readonly warnings: readonly string[];
}

/** The file of a configuration, which is parsed again only when it says something else. */
export class ConfigurationFile {
  readonly path: string;
  #loaded: LoadedConfig | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Reads configuration and keys. The configuration is the very one of the last time where the file says the same.
   * @throws TandemError (exit 2 for mistakes, all of them in its reason).
   */
  read(): UsableConfig {
    this.#loaded = loadConfig(this.path, this.#loaded);
    const { text, result } = this.#loaded;
    if (!result.ok) {
      const count = result.issues.length;
      throw new UsageError({
        operation: "use configuration",
        subject: this.path,
        reason: `it has ${count} ${count === 1 ? "mistake" : "mistakes"}\n${formatIssues(text, this.path, result.issues)}`,
      });
    }
    const warnings = result.warnings.map((issue) => `${issue.file ?? this.path}:${issue.line}: ${issue.message}`);
    return { config: result.config, keys: loadKeys(result.config.pair.keyFile), warnings };
  }
}
