/** Which configuration a router starts with, and what another one may have left in the kernel. */
import { ConfigFileError } from "../../config/config-file-error.ts";
import type { Config } from "../../config/keys/config.ts";
import { parseConfig } from "../../config/parse.ts";
import { vipKey } from "../../failover/machine/lease.ts";
import { TandemError } from "../../lib/errors.ts";
import type { Vip } from "../../model/vip.ts";
import { formatServiceKey, type ServiceKey } from "../../model/virtual-service.ts";
import type { AppliedConfig } from "./applied-config.ts";
import type { ConfigurationFile, UsableConfig } from "./configuration.ts";
import { takesAllAway } from "./reload-plan.ts";
import { type ReloadResult, refused } from "./reload-result.ts";

/** What a process before this one may have left in the kernel, and the configuration does not want. */
export interface Former {
  readonly vips: readonly Vip[];
  readonly services: readonly ServiceKey[];
}

export interface StartConfig {
  readonly usable: UsableConfig;
  readonly atStart: ReloadResult;
  readonly former: Former;
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
  const chosen = chooseConfig(file, applied, hasOwnVips);
  const texts =
    applied?.path === file.path ? [applied.text, ...(applied.beside === undefined ? [] : [applied.beside])] : [];
  return { ...chosen, former: formerOf(texts, chosen.usable.config) };
}

/** What those texts want and this configuration does not; a text that is no configuration any more says nothing. */
function formerOf(texts: readonly string[], config: Config): Former {
  const before = texts.flatMap((text) => {
    const result = parseConfig(text);
    return result.ok ? [result.config] : [];
  });
  const wanted = new Set(config.vips.map(vipKey));
  const vips = new Map(before.flatMap((one) => one.vips).map((vip) => [vipKey(vip), vip]));
  const keysOf = ({ services }: Config) => services.flatMap(({ listen }) => listen.map(({ key }) => key));
  const kept = new Set(keysOf(config).map(formatServiceKey));
  const services = new Map(before.flatMap(keysOf).map((key) => [formatServiceKey(key), key]));
  return {
    vips: [...vips].flatMap(([key, vip]) => (wanted.has(key) ? [] : [vip])),
    services: [...services].flatMap(([name, key]) => (kept.has(name) ? [] : [key])),
  };
}

function chooseConfig(
  file: ConfigurationFile,
  applied: AppliedConfig | undefined,
  hasOwnVips: () => boolean,
): Omit<StartConfig, "former"> {
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
