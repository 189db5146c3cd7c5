import { readSysctl, type SysctlOutcome, sysctlCommand, writeSysctl } from "../kernel/sysctl.ts";
import type { Logger } from "../log/logger.ts";
import { isSameSetting } from "../model/ipvs-setting.ts";
import type { WantedSysctl } from "./forwarding.ts";
import type { ChangedSetting } from "./promotion.ts";
import type { StateFile } from "./state-store.ts";

/** The kernel's settings; another one in tests. */
export interface SysctlAccess {
  readonly read: (path: string) => string | undefined;
  readonly write: (path: string, value: string) => SysctlOutcome;
}

interface Kept {
  /** Before our first change. */
  readonly previous: string;
  /** What we set last. */
  readonly ours: string;
}

/** Another value after each boot: all settings are the kernel's own again then. */
const BOOT_ID = "kernel/random/boot_id";
/** More than any configuration wants: a file with more is not ours. */
const KEPT_MAX = 1_000;

function isKept(value: unknown): value is Kept & { path: string } {
  if (typeof value !== "object" || value === null) return false;
  const entry: Readonly<Record<string, unknown>> = { ...value };
  return ["path", "previous", "ours"].every((name) => typeof entry[name] === "string");
}

/** What a process before this one kept, if it was in the life of this kernel. */
function readKept(value: unknown, bootId: string | undefined): readonly (Kept & { path: string })[] {
  if (typeof value !== "object" || value === null || !("boot" in value) || !("settings" in value)) return [];
  if (value.boot !== bootId || !Array.isArray(value.settings) || value.settings.length > KEPT_MAX) return [];
  return value.settings.filter(isKept);
}

/**
 * Sets kernel settings that the router needs, and gives back at the end what was there before: also when the end is
 * that of another process than the one that set them, for what was there is kept in a file. A setting that somebody
 * else has changed since is left as it is.
 */
export class SysctlKeeper {
  readonly #logger: Logger;
  readonly #store: StateFile;
  readonly #kernel: SysctlAccess;
  readonly #bootId: string | undefined;
  readonly #kept = new Map<string, Kept>();
  /** Why settings were refused last: settings are set again and again, and each reason is logged once. */
  readonly #refusals = new Map<string, string>();

  constructor(logger: Logger, store: StateFile, kernel: SysctlAccess = { read: readSysctl, write: writeSysctl }) {
    this.#logger = logger;
    this.#store = store;
    this.#kernel = kernel;
    this.#bootId = kernel.read(BOOT_ID);
    for (const { path, previous, ours } of readKept(store.read(), this.#bootId)) {
      if (isHarmless(path) && this.#has(path, ours)) this.#kept.set(path, { previous, ours });
    }
  }

  /** Sets them; at the first without which nothing is served that is refused it stops. @returns why, a clause. */
  require(wanted: readonly WantedSysctl[]): string | undefined {
    for (const one of wanted) {
      const outcome = this.set(one);
      if (outcome.kind === "refused" && one.essential === true) {
        return `the kernel setting ${one.path} cannot be set (${outcome.reason}): ${one.why}`;
      }
    }
    return undefined;
  }

  /** Sets what has another value. @returns how many that were. */
  apply(wanted: readonly WantedSysctl[]): number {
    return wanted.filter((one) => this.set(one).kind === "changed").length;
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
    }
    this.#save();
  }

  /** Gives everything back. */
  restore(): void {
    this.giveBack(() => true);
  }

  /** Gives some of the settings back, before the end. */
  giveBack(isMeant: (path: string) => boolean): void {
    const meant = [...this.#kept].filter(([path]) => isMeant(path));
    for (const [path, { previous, ours }] of meant) {
      if (this.#has(path, ours)) this.#kernel.write(path, previous);
      this.#kept.delete(path);
    }
    if (meant.length > 0) this.#save();
  }

  /** Sets one. */
  set({ path, value, why }: WantedSysctl): SysctlOutcome {
    if (this.#has(path, value)) return { kind: "unchanged" };
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

  #keep(path: string, previous: string, ours: string, why: string): void {
    this.#kept.set(path, { previous: this.#kept.get(path)?.previous ?? previous, ours });
    this.#save();
    this.#logger.info("sysctl", `${path} was ${previous}, is ${ours}: ${why}`);
  }

  #save(): void {
    const settings = [...this.#kept].map(([path, kept]) => ({ path, ...kept }));
    this.#store.write({ version: 1, boot: this.#bootId, settings });
  }
}

/** The file is root's own, but no reason to write elsewhere than to the network's settings. */
function isHarmless(path: string): boolean {
  return /^net(\/[^/]+)+$/.test(path) && !path.split("/").includes("..");
}
