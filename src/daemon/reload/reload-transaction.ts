import { keysDigest } from "../../config/key-file.ts";
import type { Config } from "../../config/keys/config.ts";
import type { Role } from "../../model/pair.ts";
import type { ConfigurationFile, UsableConfig } from "./configuration.ts";
import { changeCount, type ReloadPlan } from "./reload-plan.ts";
import { fileRefusal, machineRefusal, STAYS } from "./reload-refusal.ts";
import { type ReloadResult, refused } from "./reload-result.ts";

/** What a reload needs of the router. */
export interface ReloadSurroundings {
  readonly file: Pick<ConfigurationFile, "path" | "read">;
  readonly inForce: () => UsableConfig;
  readonly role: () => Role;
  readonly isEnding: () => boolean;
  /** Whether the pair of the new configuration is another one. */
  readonly otherPair: (config: Config) => boolean;
  /** What on this machine a configuration could not work with, in sentences. */
  readonly findings: (usable: UsableConfig) => readonly string[];
  readonly plan: (before: Config, after: Config) => ReloadPlan;
  /**
   * Adds what is new beside what is there, and changes what cannot stand beside itself.
   * @returns why that did not work; undefined: it did
   */
  readonly add: (usable: UsableConfig) => Promise<string | undefined>;
  /** Goes back to the configuration in force, whatever was added. */
  readonly restore: () => void;
  /** Keeps on disk that this one is being tried: whatever a killed process has set of it is known then. */
  readonly note: (usable: UsableConfig) => Promise<void>;
  /** The trial is over, and all of it was taken back: the record has the configuration in force alone. */
  readonly forget: () => Promise<void>;
  /** Keeps the configuration on disk. @returns why it is not there. */
  readonly keep: (usable: UsableConfig) => Promise<string | undefined>;
  /** It is in force; what is not wanted any more is taken away. */
  readonly commit: (usable: UsableConfig) => void;
  /** What is not as it should be with what is in force now, a sentence each. */
  readonly warnings: () => readonly string[];
  /** Why the configuration in force is not on the disk; undefined: it is. */
  readonly unsaved: () => Promise<string | undefined>;
}

/** A role that changes while a configuration is tried makes it begin again; more often than that is a pair without peace. */
const ATTEMPTS_MAX = 3;

/**
 * One reload, all or nothing: until this machine and its kernel have taken all that is new, nothing of what was there
 * is taken away, and a refusal leaves everything as it was.
 */
export class Reload {
  readonly #surroundings: ReloadSurroundings;

  constructor(surroundings: ReloadSurroundings) {
    this.#surroundings = surroundings;
  }

  /** @param force whether it may take all VIPs or all services away. Rejects where the code itself is wrong. */
  async run(force: boolean): Promise<ReloadResult> {
    const { file } = this.#surroundings;
    let usable: UsableConfig;
    try {
      usable = file.read();
    } catch (error) {
      return fileRefusal(file.path, error);
    }
    const { inForce, findings, otherPair } = this.#surroundings;
    const found = { path: file.path, before: inForce(), after: usable, force, findings };
    const refusal = machineRefusal({ ...found, otherPair: otherPair(usable.config) });
    return refusal ?? (await this.#apply(usable));
  }

  async #apply(usable: UsableConfig): Promise<ReloadResult> {
    const { file, inForce, plan, note, forget, keep, unsaved: stillUnsaved, commit } = this.#surroundings;
    const before = inForce().config;
    // The very same one, where the file says the same: there is nothing to compare.
    const planned = usable.config === before ? 0 : changeCount(plan(before, usable.config));
    const changes = planned + (keysDigest(usable.keys) === keysDigest(inForce().keys) ? 0 : 1);
    const isNew = usable.digest !== inForce().digest;
    if (isNew) await note(usable);
    const problem = await this.#try(usable);
    const { digest } = usable;
    if (problem !== undefined) {
      if (isNew) await forget();
      return refused({ text: `${file.path}: ${problem}; ${STAYS}`, digest, exitCode: 1 });
    }
    const unsaved = isNew ? await keep(usable) : await stillUnsaved();
    commit(usable);
    const warnings = this.#surroundings.warnings();
    const what = changes === 0 ? "says what is in force already" : "is in force";
    return {
      outcome: changes === 0 ? "unchanged" : "applied",
      text: unsaved === undefined ? `${file.path} ${what}` : `${file.path} ${what}, but a restart may not know of it`,
      findings: [],
      ...(warnings.length === 0 ? {} : { warnings }),
      digest,
      changes,
      ...(unsaved === undefined ? {} : { unsaved }),
      exitCode: unsaved === undefined ? 0 : 1,
    };
  }

  /** @returns why it is refused; everything is as it was then. */
  async #try(usable: UsableConfig): Promise<string | undefined> {
    const { role, isEnding, add, restore } = this.#surroundings;
    for (let attempt = 1; ; attempt += 1) {
      const before = role();
      const problem = await add(usable);
      if (isEnding()) return "this router is ending";
      if (role() !== before && attempt < ATTEMPTS_MAX) {
        restore();
        continue;
      }
      if (problem !== undefined) restore();
      return problem;
    }
  }
}
