import type { Config } from "../keys/config.ts";
import { renderConfig } from "./render.ts";

/** A key outside of the lists of VIPs, services and gates, with its value as a file has it; absent: not set. */
export interface SettingChange {
  /** `pair.dead_after` */
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
}

/** Every such key with its value, by its dotted name. */
export function settingsOf(config: Config): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let table = "";
  for (const line of renderConfig({ ...config, vips: [], services: [], gates: [] }).split("\n")) {
    const header = /^\[(.+)\]$/.exec(line);
    const [, key = "", value = ""] = /^(\S+)\s*= (.*)$/.exec(line) ?? [];
    if (header !== null) table = header[1] ?? "";
    else if (key !== "") settings.set(`${table}.${key}`, value);
  }
  return settings;
}

/** The keys whose values differ, in the order of a file. */
export function settingChanges(before: Config, after: Config): readonly SettingChange[] {
  const [old, wanted] = [settingsOf(before), settingsOf(after)];
  return [...new Set([...wanted.keys(), ...old.keys()])].flatMap((key): SettingChange[] => {
    const [from, to] = [old.get(key), wanted.get(key)];
    if (from === to) return [];
    return [{ key, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
  });
}
