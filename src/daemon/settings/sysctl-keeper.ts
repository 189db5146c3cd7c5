/** Kernel settings that are set, recorded before that, and given back. */
import { readSysctl, type SysctlOutcome, sysctlCommand, writeSysctl } from "../../kernel/machine/sysctl.ts";
import type { Logger } from "../../log/logger.ts";
import { isSameSetting } from "../../model/ipvs-setting.ts";
import type { WantedSysctl } from "./forwarding.ts";
import type { ChangedSetting } from "./promotion.ts";
import { type RecordFile, SysctlRecord } from "./sysctl-record.ts";

/** The kernel's settings; another one in tests. */
export interface SysctlAccess {
  readonly read: (path: string) => string | undefined;
  readonly write: (path: string, value: string) => SysctlOutcome;
}

/** What became of a setting. */
export type SetOutcome =
  | SysctlOutcome
  /** It is set as soon as the disk knows what was there before. */
  | { readonly kind: "recording" };

interface Kept {
  /** Before our first change. */
  readonly previous: string;
  /** What we set last; undefined: nothing yet. */
  readonly ours: string | undefined;
  /** What the record has to say of it: these are ours as well should we be killed. */
  readonly recorded: readonly string[];
}

/** Another value after each boot. */
const BOOT_ID = "kernel/random/boot_id";
/** Before the first heartbeat: a disk that does not answer may not keep a router from its peer. */
const PREPARE_LIMIT_MS = 500;

/**
 * Sets kernel settings that the router needs, and gives back at the end what was there before: also when the end is
 * that of another process than the one that set them, for what was there is on the disk before anything is set. A
 * setting that somebody else has changed since is left as it is. A disk that takes nothing keeps no setting back: the
 * router has to serve.
 */
export class SysctlKeeper {
  readonly #logger: Logger;
  readonly #kernel: SysctlAccess;
  readonly #record: SysctlRecord;
  readonly #kept = new Map<string, Kept>();
  /** What waits for the disk, newest value each. */
  readonly #waiting = new Map<string, WantedSysctl>();
  #isWaiting = false;
  /** The disk did not answer the last time. */
  #isStuck = false;
  #setting: Promise<void> = Promise.resolve();
  #isEnding = false;
  /** Whether the record has been given what is kept. */
  #isSaved = false;
  /** Why settings were refused last: settings are set again and again, and each reason is logged once. */
  readonly #refusals = new Map<string, string>();

  constructor(logger: Logger, file: RecordFile, kernel: SysctlAccess = { read: readSysctl, write: writeSysctl }) {
    this.#logger = logger;
    this.#kernel = kernel;
    this.#record = new SysctlRecord(file, kernel.read(BOOT_ID));
    for (const { path, previous, ours: recorded } of this.#record.saved.values()) {
      const ours = recorded.find((value) => this.#has(path, value));
      if (ours !== undefined) this.#kept.set(path, { previous, ours, recorded });
    }
  }

  /** Sets them; at the first without which nothing is served that is refused it stops. @returns why, a clause. */
  async require(wanted: readonly WantedSysctl[]): Promise<string | undefined> {
    await this.prepare(wanted);
    for (const one of wanted) {
      const outcome = this.set(one);
      if (outcome.kind === "refused" && one.essential === true) {
        return `the kernel setting ${one.path} cannot be set (${outcome.reason}): ${one.why}`;
      }
    }
    return undefined;
  }

  /**
   * Records what is going to be set, so that setting it waits for no disk: one that has not answered by then is waited
   * for no more. Nothing is set.
   */
  async prepare(wanted: readonly WantedSysctl[], limitMs = PREPARE_LIMIT_MS): Promise<void> {
    for (const one of wanted) this.#note(one);
    this.#save();
    this.#isStuck = (await this.#record.tried(limitMs)) !== undefined;
  }

  /** Sets what has another value. @returns how many that were. */
  apply(wanted: readonly WantedSysctl[]): number {
    return wanted.filter((one) => this.set(one).kind === "changed").length;
  }

  /** Resolves when nothing waits for the disk any more: what was to be set is set. */
  settled(): Promise<void> {
    return this.#setting;
  }

  /** Settings that others of this process have changed are given back as well. */
  adopt(changed: readonly ChangedSetting[], why: string): void {
    for (const { path, previous, value } of changed) this.#keep(path, previous, value, why);
  }

  /** An interface has another name now, and its settings are found by that. */
  renamed(before: string, after: string): void {
    for (const [path, kept] of this.#kept) {
      const parts = path.split("/");
      if (parts[2] !== "conf" || parts[3] !== before) continue;
      this.#kept.delete(path);
      this.#kept.set(parts.with(3, after).join("/"), kept);
      this.#isSaved = false;
    }
    this.#save();
  }

  /** From here on settings are only given back. */
  end(): void {
    this.#isEnding = true;
    this.#waiting.clear();
  }

  /** Gives everything back. */
  restore(): void {
    this.giveBack(() => true);
  }

  /** Gives some of the settings back, before the end. */
  giveBack(isMeant: (path: string) => boolean): void {
    for (const path of [...this.#waiting.keys()].filter(isMeant)) this.#waiting.delete(path);
    for (const [path, { previous, ours }] of [...this.#kept].filter(([one]) => isMeant(one))) {
      const isOurs = ours !== undefined && this.#has(path, ours);
      // What the kernel refuses to take back is tried again the next time, at the end at the latest.
      if (isOurs && this.#kernel.write(path, previous).kind === "refused") continue;
      this.#kept.delete(path);
      this.#isSaved = false;
    }
    this.#save();
  }

  /** Sets one, now where the disk knows of it already. */
  set(wanted: WantedSysctl): SetOutcome {
    if (this.#isEnding) return { kind: "unchanged" };
    const isThere = this.#has(wanted.path, wanted.value);
    if (isThere && wanted.later === undefined) return { kind: "unchanged" };
    const values = this.#note(wanted);
    this.#save();
    if (isThere) return { kind: "unchanged" };
    const waitsForNothing = this.#isStuck || this.#record.isFailing || this.#record.has(wanted.path, values);
    if (waitsForNothing) return this.#write(wanted);
    this.#waiting.set(wanted.path, wanted);
    if (!this.#isWaiting) this.#setting = this.#setWhenRecorded();
    return { kind: "recording" };
  }

  async #setWhenRecorded(): Promise<void> {
    this.#isWaiting = true;
    while (this.#waiting.size > 0) {
      const recorded = [...this.#waiting.values()];
      this.#isStuck = (await this.#record.tried()) !== undefined;
      for (const wanted of recorded) {
        // One that was given up or replaced meanwhile is not meant any more.
        if (this.#waiting.get(wanted.path) === wanted) this.#write(wanted);
      }
    }
    this.#isWaiting = false;
  }

  #write({ path, value, why }: WantedSysctl): SysctlOutcome {
    this.#waiting.delete(path);
    const outcome = this.#kernel.write(path, value);
    if (outcome.kind === "changed") {
      this.#keep(path, outcome.previous, value, why);
    } else if (outcome.kind === "refused" && this.#refusals.get(path) !== outcome.reason) {
      this.#logger.warn("sysctl", `${path} cannot be set (${outcome.reason}): ${why}`, {
        mend: sysctlCommand(path, value),
      });
    }
    if (outcome.kind === "refused") this.#refusals.set(path, outcome.reason);
    else this.#refusals.delete(path);
    return outcome;
  }

  #has(path: string, value: string): boolean {
    const current = this.#kernel.read(path);
    return current !== undefined && isSameSetting(path, current, value);
  }

  /** Notes what the record has to say before a setting is set. @returns the values that are not the administrator's */
  #note({ path, value, later = [] }: WantedSysctl): readonly string[] {
    const current = this.#kernel.read(path);
    if (current === undefined) return [];
    const kept = this.#kept.get(path);
    // Until something of ours is there, it is the administrator's.
    const mayBeOurs = kept?.ours !== undefined || kept?.recorded.some((one) => isSameSetting(path, one, current));
    const previous = kept !== undefined && mayBeOurs ? kept.previous : current;
    const values = [value, ...later].filter((one) => !isSameSetting(path, one, previous));
    const recorded = [...new Set([...(kept?.recorded ?? []), ...values])];
    if (recorded.length === (kept?.recorded.length ?? 0) && previous === (kept?.previous ?? previous)) return values;
    this.#kept.set(path, { previous, ours: kept?.ours, recorded });
    this.#isSaved = false;
    return values;
  }

  #keep(path: string, before: string, ours: string, why: string): void {
    const kept = this.#kept.get(path);
    const previous = kept?.ours === undefined ? before : kept.previous;
    const recorded = isSameSetting(path, ours, previous) ? [] : [ours];
    this.#kept.set(path, { previous, ours, recorded: [...new Set([...(kept?.recorded ?? []), ...recorded])] });
    this.#isSaved = false;
    this.#save();
    this.#logger.info("sysctl", `${path} was ${before}, is ${ours}: ${why}`);
  }

  #save(): void {
    if (this.#isSaved) return;
    this.#isSaved = true;
    this.#record.write(
      [...this.#kept]
        .filter(([, { recorded }]) => recorded.length > 0)
        .map(([path, { previous, recorded }]) => ({ path, previous, ours: recorded })),
    );
  }
}
