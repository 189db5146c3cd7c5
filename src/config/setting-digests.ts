import { createHash, createHmac } from "node:crypto";
import type { SettingDigest } from "../model/setting-digest.ts";
import type { Config } from "./config.ts";
import { namedSettings } from "./named-settings.ts";

/** Two names of one digest are one setting: told apart by nobody, and very rare. */
function merged(one: SettingDigest, other: SettingDigest): SettingDigest {
  const values = one.values.map((value, index) => (value ^ (other.values[index] ?? 0)) >>> 0);
  return { ...one, name: `${one.name} or ${other.name}`, values };
}

/**
 * The settings of a configuration with their digests, by ascending `id`, each id once.
 * @param keys those of the pair, the one that heartbeats are signed with first
 */
export function settingDigests(config: Config, keys: readonly Uint8Array[]): readonly SettingDigest[] {
  const all = namedSettings(config).map(({ name, value }, place): SettingDigest => {
    const id = createHash("sha256").update(name).digest().readUInt32BE();
    const text = `${name}\0${value}`;
    return {
      name,
      place,
      id,
      values: keys.map((key) => createHmac("sha256", key).update(text).digest().readUInt32BE()),
    };
  });
  const distinct: SettingDigest[] = [];
  for (const digest of all.toSorted((a, b) => a.id - b.id)) {
    const last = distinct.at(-1);
    if (last?.id === digest.id) distinct.splice(-1, 1, merged(last, digest));
    else distinct.push(digest);
  }
  return distinct;
}
