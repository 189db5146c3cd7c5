import { ConfigFileError } from "../../config/config-file-error.ts";
import { TandemError } from "../../lib/errors.ts";
import type { UsableConfig } from "./configuration.ts";
import { takesAllAway } from "./reload-plan.ts";
import { type ReloadResult, refused } from "./reload-result.ts";

/** Why a file is refused before anything is touched. */

export const STAYS = "the configuration in force stays";

/** The file could not be read, or is no configuration. @throws what is no TandemError. */
export function fileRefusal(path: string, error: unknown): ReloadResult {
  if (error instanceof ConfigFileError) {
    const count = error.lines.length === 1 ? "1 mistake" : `${error.lines.length} mistakes`;
    return refused({ text: `${path} has ${count}; ${STAYS}`, findings: error.lines, hint: "tandem config check" });
  }
  if (!(error instanceof TandemError)) throw error;
  const { hint } = error;
  return refused({ text: `${error.message}; ${STAYS}`, ...(hint === undefined ? {} : { hint }) });
}

export interface ReloadCase {
  readonly path: string;
  readonly before: UsableConfig;
  readonly after: UsableConfig;
  /** It may take all VIPs or all services away. */
  readonly force: boolean;
  /** The addresses or the port of the pair differ. */
  readonly otherPair: boolean;
  /** What on this machine a configuration could not work with, in sentences. */
  readonly findings: (usable: UsableConfig) => readonly string[];
}

/** A file that is a configuration, but not one to go over to; undefined: it is. */
export function machineRefusal(the: ReloadCase): ReloadResult | undefined {
  const { path, before, after, force, otherPair, findings } = the;
  const { digest } = after;
  if (after.config === before.config) return undefined;
  if (otherPair) {
    const hint = "restart the daemon for that: first the standby, then switch, then the other";
    return refused({ text: `${path} changes the pair's addresses or its port; ${STAYS}`, hint, digest });
  }
  const all = findings(after);
  // What is wrong with the configuration in force as well is no reason to refuse a change of something else.
  const known = new Set(all.length === 0 ? [] : findings(before).map(withoutPlace));
  const found = all.filter((finding) => !known.has(withoutPlace(finding)));
  if (found.length > 0)
    return refused({ text: `${path} does not fit this machine; ${STAYS}`, findings: found, digest });
  const lost = force ? undefined : takesAllAway(before.config, after.config);
  if (lost === undefined) return undefined;
  const hint = "if that is meant: tandem reload --force";
  return refused({ text: `${path} would take away ${lost}; ${STAYS}`, hint, digest });
}

/** A setting may stand in another line by now. */
function withoutPlace(finding: string): string {
  return finding.replace(/^.*?:\d+:\d+: /, "");
}
