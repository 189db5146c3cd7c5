import { ConfigFileError } from "../config/config-file-error.ts";
import { TandemError } from "../lib/errors.ts";
import type { AppliedConfig } from "./applied-config.ts";
import type { ConfigurationFile, UsableConfig } from "./configuration.ts";
import { takesAllAway } from "./reload-plan.ts";
import { type ReloadResult, refused } from "./reload-result.ts";

export interface StartConfig {
  readonly usable: UsableConfig;
  readonly atStart: ReloadResult;
}

/**
 * What a router starts with: its file, or where that is no configuration, or would take everything away from a machine
 * that has VIPs of ours, the configuration that was in force last.
 * @param applied what is kept of that; undefined: nothing
 * @param hasOwnVips whether this machine's kernel has VIPs that a process of ours has set
 * @throws TandemError when the file is of no use and nothing else is there.
 */
export function startConfig(
  file: ConfigurationFile,
  applied: AppliedConfig | undefined,
  hasOwnVips: () => boolean,
): StartConfig {
  let usable: UsableConfig;
  try {
    usable = file.read();
  } catch (error) {
    const last = error instanceof TandemError ? lastApplied(file, applied) : undefined;
    if (last === undefined || applied === undefined) throw error;
    return { usable: last, atStart: refusal(error as TandemError, applied) };
  }
  const last = lastApplied(file, applied);
  const lost = last === undefined ? undefined : takesAllAway(last.config, usable.config);
  if (last === undefined || applied === undefined || lost === undefined || !hasOwnVips()) {
    const { digest } = usable;
    return {
      usable,
      atStart: { outcome: "applied", text: `${file.path} is in force`, findings: [], digest, changes: 0, exitCode: 0 },
    };
  }
  const text = `${file.path} would take away ${lost}; ${goesOn(applied)}`;
  const hint = "if that is meant: tandem reload --force";
  return { usable: last, atStart: refused({ text, hint, digest: usable.digest }) };
}

function goesOn({ at }: AppliedConfig): string {
  return `this router goes on with the configuration of ${at}, which was in force last`;
}

function refusal(error: TandemError, applied: AppliedConfig): ReloadResult {
  if (!(error instanceof ConfigFileError)) return refused({ text: `${error.message}; ${goesOn(applied)}` });
  const count = error.lines.length === 1 ? "a mistake" : `${error.lines.length} mistakes`;
  const hint = "correct it, then: tandem reload";
  return refused({ text: `${applied.path} has ${count}; ${goesOn(applied)}`, findings: error.lines, hint });
}

/** It is of another file, or of another version of this program: then it is of no use. */
function lastApplied(file: ConfigurationFile, applied: AppliedConfig | undefined): UsableConfig | undefined {
  if (applied === undefined || applied.path !== file.path) return undefined;
  try {
    return file.readAs(applied.text);
  } catch (error) {
    if (error instanceof TandemError) return undefined;
    throw error;
  }
}
