/** The configuration file and its keys, read and checked. */
import { createHash } from "node:crypto";
import { ConfigFileError } from "../../config/config-file-error.ts";
import { formatIssuePlace } from "../../config/format-issues.ts";
import type { PairKeys } from "../../config/key-file.ts";
import type { Config } from "../../config/keys/config.ts";
import { type LoadedConfig, loadConfig, loadKeys } from "../../config/load.ts";
import { parseConfig } from "../../config/parse.ts";
import { Places } from "../../config/places/places.ts";
import { hostFindings } from "../../host/findings.ts";
import type { RouterId } from "../../model/pair.ts";

/** A configuration with its keys, both usable. */
export interface UsableConfig {
  readonly config: Config;
  readonly keys: PairKeys;
  readonly warnings: readonly string[];
  /** What the file says, and the first 16 hexadecimal digits of its SHA-256. */
  readonly text: string;
  readonly digest: string;
  /** Where its settings stand. */
  readonly places: Places;
}

/** The first 64 bits of SHA-256, as 16 hexadecimal digits: the same file, the same digest. */
export function textDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function usable({ path, text, result, places }: LoadedConfig): UsableConfig {
  if (!result.ok) throw new ConfigFileError(path, text, result.issues);
  const warnings = result.warnings.map((issue) => `${issue.file ?? path}:${issue.line}: ${issue.message}`);
  const { config } = result;
  return { config, keys: loadKeys(config.pair.keyFile), warnings, text, digest: textDigest(text), places };
}

/** What on this machine a configuration could not work with: a sentence each, with its place in the file. */
export function findingsOf({ config, places }: UsableConfig, path: string, router: RouterId): readonly string[] {
  return hostFindings(config, router, places).map((issue) => `${formatIssuePlace(path, issue)}: ${issue.message}`);
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
    return usable(this.#loaded);
  }

  /**
   * A text that the file had before, as a configuration.
   * @throws TandemError where it is none any more: by another version of this program, or without its keys.
   */
  readAs(text: string): UsableConfig {
    return usable({ path: this.path, text, result: parseConfig(text), places: new Places(text) });
  }
}
