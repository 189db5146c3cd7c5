import { randomBytes } from "node:crypto";
import type { CheckReport } from "../balance/report.ts";
import type { Config } from "../config/config.ts";
import { configFingerprint } from "../config/fingerprint.ts";
import { formatIssues } from "../config/format-issues.ts";
import type { PairKeys } from "../config/key-file.ts";
import { loadConfig, loadKeys } from "../config/load.ts";
import { whoAmI } from "../config/who-am-i.ts";
import type { FailoverSettings } from "../failover/settings.ts";
import { AddressClient } from "../kernel/address-client.ts";
import { TandemError, UsageError } from "../lib/errors.ts";
import { VERSION } from "../lib/version.ts";
import { stderrLogger } from "../log/logger.ts";
import type { RouterId } from "../model/pair.ts";
import { RouterDaemon } from "./router-daemon.ts";

export interface RunOptions {
  readonly configPath: string;
  readonly router?: RouterId;
  readonly runtimeDir: string;
  readonly stateDir: string;
}

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
    throw new UsageError({
      operation: "use configuration",
      subject: path,
      reason: `it has ${result.issues.length} ${result.issues.length === 1 ? "mistake" : "mistakes"}\n${formatIssues(text, path, result.issues)}`,
    });
  }
  const warnings = result.warnings.map((issue) => `${path}:${issue.line}: ${issue.message}`);
  return { config: result.config, keys: loadKeys(result.config.pair.keyFile), warnings };
}

function ownRouter(config: Config, override: RouterId | undefined): RouterId {
  using addresses = AddressClient.open();
  const found = whoAmI(
    config,
    addresses.list().map((own) => own.prefix.address),
    override,
  );
  if (found.ok) return found.value;
  throw new UsageError({
    operation: "find out which router this is",
    reason: found.problem,
    hint: "say it with --router primary or --router backup, or correct the addresses in [pair.primary] and [pair.backup]",
  });
}

/**
 * The daemon of one router: runs until it is told to stop and everything is handed over, released or left.
 * @throws TandemError when it cannot start; nothing is changed then.
 */
export async function runRouter(options: RunOptions): Promise<void> {
  const usable = readConfiguration(options.configPath);
  const router = ownRouter(usable.config, options.router);
  const logger = stderrLogger(usable.config.log.format, usable.config.log.level);
  const daemon = await RouterDaemon.start({ options, usable, router, logger });
  await daemon.ended;
}
