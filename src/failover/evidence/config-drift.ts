/**
 * In what the two configurations differ. While their fingerprints do, each heartbeat carries the digests of some settings,
 * others each time: all that the sender has between two ids, so that the receiver also knows what it has not. A fingerprint
 * stands for one configuration: what was compared once need not be compared again.
 */
import { firstNames } from "../../lib/first-names.ts";
import type { SettingDigest } from "../../model/setting-digest.ts";
import { type HeartbeatPayload, SETTINGS_WINDOW, type SettingsReport } from "../../wire/heartbeat/heartbeat.ts";
import type { State } from "../machine/state.ts";
import type { Drift, IdRange } from "../machine/state-parts.ts";
import type { Turn } from "../machine/turn.ts";

const ID_MAX = 0xffff_ffff;
/** Gaps come from lost heartbeats, and the next rounds fill them; with more of them some have to wait for that. */
const RANGES_LIMIT = 64;

interface OwnSettings {
  readonly fingerprint: string;
  readonly digests: readonly SettingDigest[];
}

export interface Differences {
  /** Names of settings that the peer has with another value, or not at all, in the order of the configuration. */
  readonly names: readonly string[];
  /** How many settings only the peer has. */
  readonly missing: number;
}

/** What the peer said last is of another configuration. */
export function hasDrift({ peer, settings }: State): boolean {
  return peer !== undefined && peer.says.configFingerprint !== settings.configFingerprint;
}

/** The part of this router's settings that goes with the next heartbeats, others each time. */
export function settingsReport(state: State): SettingsReport | undefined {
  const { settingDigests = [], sendNumber } = state;
  return settingDigests.length === 0 || !hasDrift(state) ? undefined : reportOf(settingDigests, sendNumber);
}

/** The part that goes with heartbeats of this number. */
export function reportOf(own: readonly SettingDigest[], sendNumber: number): SettingsReport {
  const first = (sendNumber % Math.ceil(own.length / SETTINGS_WINDOW)) * SETTINGS_WINDOW;
  const next = own[first + SETTINGS_WINDOW];
  return {
    from: first === 0 ? 0 : (own[first]?.id ?? 0),
    to: next === undefined ? ID_MAX : next.id - 1,
    settings: own.slice(first, first + SETTINGS_WINDOW).map(({ id, values: [value = 0] }) => ({ id, value })),
  };
}

/** The ranges and one more; undefined: it is in them already, or there is no room for it. */
export function withRange(ranges: readonly IdRange[], { from, to }: IdRange): readonly IdRange[] | undefined {
  const before = ranges.filter((range) => range.to < from);
  const after = ranges.filter((range) => range.from > to);
  if (before.length + after.length < ranges.length) return undefined;
  const [left, right] = [before.at(-1), after[0]];
  const joinsLeft = left?.to === from - 1;
  const joinsRight = right?.from === to + 1;
  const joined = { from: joinsLeft ? left.from : from, to: joinsRight ? right.to : to };
  const all = [...before.slice(0, joinsLeft ? -1 : undefined), joined, ...after.slice(joinsRight ? 1 : 0)];
  return all.length > RANGES_LIMIT ? undefined : all;
}

export function nothingCompared(peerConfig: string): Drift {
  return { peerConfig, compared: [], differing: [], missing: 0 };
}

/** Puts what a report says to what is known. */
export function withReport(drift: Drift, report: SettingsReport, own: readonly SettingDigest[]): Drift {
  const compared = withRange(drift.compared, report);
  if (compared === undefined) return drift;
  const mine = own.filter(({ id }) => id >= report.from && id <= report.to);
  const ids = new Set(mine.map(({ id }) => id));
  const told = new Map(report.settings.map(({ id, value }) => [id, value]));
  const differing = mine.filter(({ id, values }) => {
    const value = told.get(id);
    return value === undefined || !values.includes(value);
  });
  return {
    ...drift,
    compared,
    differing: [...drift.differing, ...differing.map(({ id }) => id)],
    missing: drift.missing + report.settings.filter(({ id }) => !ids.has(id)).length,
  };
}

/** Takes over what the peer says of its settings. */
export function hearSettings(turn: Turn, says: HeartbeatPayload, newBoot: boolean): void {
  const { drift, settingDigests } = turn.state;
  if (!hasDrift(turn.state)) {
    if (settingDigests !== undefined) turn.clear("drift", "settingDigests");
    return;
  }
  if (settingDigests === undefined) {
    turn.set({ settingDigests: [] });
    turn.emit({ kind: "digest-settings" });
  }
  const peerConfig = says.configFingerprint;
  const isKnown = !newBoot && drift?.peerConfig === peerConfig;
  const known = isKnown ? drift : nothingCompared(peerConfig);
  const report = says.settings;
  const isComparable = report !== undefined && settingDigests !== undefined && settingDigests.length > 0;
  turn.set({ drift: isComparable ? withReport(known, report, settingDigests) : known });
  if (!isWhole(known)) noticeDifferences(turn);
}

/** Once all is compared, in what they differ: the log had their fingerprints only. */
function noticeDifferences(turn: Turn): void {
  const found = differences(turn.state);
  if (found === undefined) return;
  const text = `the peer's configuration differs in ${differencesText(found, "the peer")}`;
  turn.notice("warn", "config-differs", text);
}

/** The settings of this router are there to be compared. */
export function onSettingDigests(turn: Turn, { fingerprint, digests }: OwnSettings): void {
  const { settingDigests, settings } = turn.state;
  // What comes too late is of a configuration that is not in force any more, or of no use.
  if (settingDigests?.length !== 0 || fingerprint !== settings.configFingerprint) return;
  turn.set({ settingDigests: digests });
}

/** All settings are compared. */
function isWhole({ compared: [range] }: Drift): boolean {
  return range?.from === 0 && range.to === ID_MAX;
}

/** In what the configurations differ; undefined: in nothing, or not all is compared yet. */
export function differences({ drift, settingDigests = [] }: State): Differences | undefined {
  if (drift === undefined || !isWhole(drift)) return undefined;
  const ids = new Set(drift.differing);
  const own = settingDigests.toSorted((a, b) => a.place - b.place);
  return { names: inWhole(own, ids), missing: drift.missing };
}

/** `service web` of `service web: listen`. */
function wholeOf(name: string): string {
  return name.split(": ", 1)[0] ?? name;
}

/** The names; a service all of whose settings differ is named as a whole. */
function inWhole(own: readonly SettingDigest[], ids: ReadonlySet<number>): readonly string[] {
  const kept = new Set(own.flatMap(({ id, name }) => (ids.has(id) ? [] : [wholeOf(name)])));
  const names = own.flatMap(({ id, name }) => {
    if (!ids.has(id)) return [];
    return [kept.has(wholeOf(name)) ? name : wholeOf(name)];
  });
  return [...new Set(names)];
}

/** The differences for a sentence, bounded: `pair.lease, gate proxy and 4 more, and 2 that only lvs2 has`. */
export function differencesText({ names, missing }: Differences, peer: string): string {
  const lacking = missing > 0 ? `${missing} that only ${peer} has` : "";
  return [firstNames(names), lacking].filter((part) => part !== "").join(", and ");
}
