import { createHash, createHmac } from "node:crypto";
import type { SettingDigest } from "../../model/setting-digest.ts";
import type { Config } from "../keys/config.ts";
import { type NamedSetting, namedSettings } from "./named-settings.ts";

/** Two names of one digest, which is very rare, are one setting: nobody could tell them apart. */
function merged(one: SettingDigest, other: SettingDigest): SettingDigest {
  const values = one.values.map((value, index) => (value ^ (other.values[index] ?? 0)) >>> 0);
  return { ...one, name: `${one.name} or ${other.name}`, values };
}

function digestOf({ name, value }: NamedSetting, place: number, keys: readonly Uint8Array[]): SettingDigest {
  const id = createHash("sha256").update(name).digest().readUInt32BE();
  const text = `${name}\0${value}`;
  return { name, place, id, values: keys.map((key) => createHmac("sha256", key).update(text).digest().readUInt32BE()) };
}

/** By ascending ids, each id once. */
function inOrder(digests: readonly SettingDigest[]): readonly SettingDigest[] {
  const distinct: SettingDigest[] = [];
  for (const digest of digests.toSorted((a, b) => a.id - b.id)) {
    const last = distinct.at(-1);
    if (last?.id === digest.id) distinct.splice(-1, 1, merged(last, digest));
    else distinct.push(digest);
  }
  return distinct;
}

/**
 * The settings of a configuration with their digests, by ascending ids, made one setting after another: of thousands of
 * servers they take longer than a fast pair may be kept waiting.
 * @param keys those of the pair, the one that heartbeats are signed with first
 */
export function* settingDigests(
  config: Config,
  keys: readonly Uint8Array[],
): Generator<undefined, readonly SettingDigest[]> {
  const digests: SettingDigest[] = [];
  for (const setting of namedSettings(config)) {
    digests.push(digestOf(setting, digests.length, keys));
    yield;
  }
  return inOrder(digests);
}
