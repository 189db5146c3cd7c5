/** What the administrator had, on disk, for the process that gives it back. */
import type { StateFile } from "../host/state-store.ts";

/** A file of the state directory. */
export type RecordFile = Pick<StateFile, "read" | "write" | "saved" | "tried" | "failure">;

/** What the disk says of one kernel setting. */
export interface RecordedSetting {
  readonly path: string;
  /** The administrator's value, from before the first change. */
  readonly previous: string;
  /** Every value that a process of ours has set, or was about to: where it was killed nobody knows which. */
  readonly ours: readonly string[];
}

/** More than any configuration wants: a file with more is not ours. */
const SETTINGS_MAX = 1_000;

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function readSetting(value: unknown): readonly RecordedSetting[] {
  if (typeof value !== "object" || value === null) return [];
  const { path, previous, ours } = value as Readonly<Record<string, unknown>>;
  const values = Array.isArray(ours) ? ours : [ours];
  return isText(path) && isText(previous) && values.every(isText) && isHarmless(path)
    ? [{ path, previous, ours: values }]
    : [];
}

/** The file is root's own, but no reason to write elsewhere than to the network's settings. */
function isHarmless(path: string): boolean {
  return /^net(\/[^/]+)+$/.test(path) && !path.split("/").includes("..");
}

/** What a process before this one recorded, if it was in the life of this kernel. */
function readRecord(value: unknown, bootId: string | undefined): readonly RecordedSetting[] {
  if (typeof value !== "object" || value === null || !("boot" in value) || !("settings" in value)) return [];
  if (value.boot !== bootId || !Array.isArray(value.settings) || value.settings.length > SETTINGS_MAX) return [];
  return value.settings.flatMap(readSetting);
}

/** The kernel settings that this router changes, on disk: whoever ends it, the next process knows what to give back. */
export class SysctlRecord {
  readonly #store: RecordFile;
  readonly #bootId: string | undefined;
  /** What the disk says, as read from `#savedValue`. */
  #saved: ReadonlyMap<string, RecordedSetting> = new Map();
  #savedValue: unknown;
  /** What it is to say, as written last. */
  #text: string;

  /** @param bootId another one after each boot: all settings are the kernel's own again then */
  constructor(store: RecordFile, bootId: string | undefined) {
    this.#store = store;
    this.#bootId = bootId;
    // A file that is there is written anew: it may say of settings what is not true any more.
    this.#text = store.read() === undefined ? "[]" : "";
  }

  /** What is on the disk. */
  get saved(): ReadonlyMap<string, RecordedSetting> {
    const value = this.#store.saved;
    if (value !== this.#savedValue) {
      this.#savedValue = value;
      this.#saved = new Map(readRecord(value, this.#bootId).map((setting) => [setting.path, setting]));
    }
    return this.#saved;
  }

  /** Whether a process after this one would take these values for ours. */
  has(path: string, values: readonly string[]): boolean {
    const ours = this.saved.get(path)?.ours ?? [];
    return values.every((value) => ours.includes(value));
  }

  /** Writes what is to be on the disk, soon. */
  write(settings: readonly RecordedSetting[]): void {
    const written = settings.map(({ path, previous, ours }) => ({
      path,
      previous,
      ours: ours.length === 1 ? ours[0] : ours,
    }));
    const text = JSON.stringify(written);
    if (text === this.#text) return;
    this.#text = text;
    this.#store.write({ version: 1, boot: this.#bootId, settings: written });
  }

  /** Resolves when that is on the disk, or cannot be for now. @returns why not */
  tried(limitMs?: number): Promise<string | undefined> {
    return this.#store.tried(limitMs);
  }

  /** Whether the disk takes nothing for now. */
  get isFailing(): boolean {
    return this.#store.failure !== undefined;
  }
}
