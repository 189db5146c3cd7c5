import type { Config } from "../config/config.ts";
import { TandemError } from "../lib/errors.ts";
import type { Role } from "../model/pair.ts";
import { ConfigMistakes, type ConfigurationFile, type UsableConfig } from "./configuration.ts";
import { changeCount, type ReloadPlan, takesAllAway } from "./reload-plan.ts";
import { type ReloadResult, refused } from "./reload-result.ts";

/** What a reload needs of the router. */
export interface ReloadSurroundings {
  readonly file: Pick<ConfigurationFile, "path" | "read">;
  readonly inForce: () => UsableConfig;
  readonly role: () => Role;
  readonly isEnding: () => boolean;
  /** Why the pair of the new configuration would be another one; undefined: it is the same. */
  readonly otherPair: (config: Config) => string | undefined;
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
  /** Keeps the configuration on disk. @returns why it is not there. */
  readonly keep: (usable: UsableConfig) => Promise<string | undefined>;
  /** It is in force; what is not wanted any more is taken away. */
  readonly commit: (usable: UsableConfig) => void;
}

/** A role that changes while a configuration is tried makes it begin again; more often than that is a pair without peace. */
const ATTEMPTS_MAX = 3;

const STAYS = "the configuration in force stays";

function fileRefusal(path: string, error: unknown): ReloadResult {
  if (error instanceof ConfigMistakes) {
    const count = error.lines.length === 1 ? "1 mistake" : `${error.lines.length} mistakes`;
    return refused({ text: `${path} has ${count}; ${STAYS}`, findings: error.lines, hint: "tandem config check" });
  }
  if (!(error instanceof TandemError)) throw error;
  const { hint } = error;
  return refused({ text: `${error.message}; ${STAYS}`, ...(hint === undefined ? {} : { hint }) });
}

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
    return this.#refusal(usable, force) ?? (await this.#apply(usable));
  }

  /** What is found before anything is touched. */
  #refusal(usable: UsableConfig, force: boolean): ReloadResult | undefined {
    const { file, inForce, otherPair, findings } = this.#surroundings;
    const { digest } = usable;
    const other = otherPair(usable.config);
    if (other !== undefined) {
      const hint = "restart the daemon for that: first the standby, then switch, then the other";
      return refused({ text: `${other}; ${STAYS}`, hint, digest });
    }
    // What is wrong with the configuration in force as well is no reason to refuse a change of something else.
    const known = new Set(findings(inForce()));
    const found = findings(usable).filter((finding) => !known.has(finding));
    if (found.length > 0) {
      return refused({ text: `${file.path} does not fit this machine; ${STAYS}`, findings: found, digest });
    }
    const lost = force ? undefined : takesAllAway(inForce().config, usable.config);
    if (lost === undefined) return undefined;
    const hint = "if that is meant: tandem reload --force";
    return refused({ text: `${file.path} would take away ${lost}; ${STAYS}`, hint, digest });
  }

  async #apply(usable: UsableConfig): Promise<ReloadResult> {
    const { file, inForce, plan, keep, commit } = this.#surroundings;
    const changes = changeCount(plan(inForce().config, usable.config));
    const problem = changes === 0 ? undefined : await this.#try(usable);
    const { digest } = usable;
    if (problem !== undefined) {
      return refused({ text: `${file.path}: ${problem}; ${STAYS}`, digest, exitCode: 1 });
    }
    const unsaved = usable.digest === inForce().digest ? undefined : await keep(usable);
    commit(usable);
    const what = changes === 0 ? "says what is in force already" : "is in force";
    return {
      outcome: changes === 0 ? "unchanged" : "applied",
      text: unsaved === undefined ? `${file.path} ${what}` : `${file.path} ${what}, but a restart may not know of it`,
      findings: [],
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
