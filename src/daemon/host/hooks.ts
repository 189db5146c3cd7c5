import type { HookSettings } from "../../config/keys/config.ts";
import { systemMessage } from "../../lib/system-reason.ts";
import { formatDuration } from "../../model/duration.ts";
import type { Role } from "../../model/pair.ts";
import { runProgram } from "../../probe/local/check-program.ts";

/** Hooks that may wait; a pair that changes roles faster than its hooks run has other problems. */
const HOOKS_WAITING_MAX = 32;

export interface HookJob {
  readonly name: Role | "verdict" | "quorum" | "takeover";
  /** Added to a small clean environment: TANDEM_ROLE, TANDEM_TERM … */
  readonly environment: Readonly<Record<string, string>>;
  readonly done: (ok: boolean, detail: string) => void;
}

/** Runs the programs of `[hooks]` in order, one at a time, without a shell, each with a time limit. */
export class HookRunner {
  #settings: HookSettings;
  readonly #waiting: HookJob[] = [];
  #running = false;

  constructor(settings: HookSettings) {
    this.#settings = settings;
  }

  configure(settings: HookSettings): void {
    this.#settings = settings;
  }

  run(job: HookJob): void {
    if (this.#waiting.length >= HOOKS_WAITING_MAX) {
      job.done(false, "too many hooks wait");
      return;
    }
    this.#waiting.push(job);
    if (!this.#running) void this.#runAll();
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      const command = this.#program(job.name);
      if (command.length === 0) job.done(true, "no hook configured");
      else await this.#runOne(command, job);
    }
    this.#running = false;
  }

  #program(name: HookJob["name"]): readonly string[] {
    return (name === "takeover" ? this.#settings.takeover?.program : this.#settings[name]) ?? [];
  }

  async #runOne(command: readonly string[], job: HookJob): Promise<void> {
    const { timeoutMs } = this.#settings;
    try {
      const outcome = await runProgram(command, { timeoutMs, environment: job.environment });
      const said = outcome.output === "" ? "" : `: ${outcome.output}`;
      if (outcome.kind === "exited") job.done(outcome.exitCode === 0, `exit code ${outcome.exitCode}${said}`);
      else if (outcome.kind === "signalled") job.done(false, `ended by ${outcome.signal}${said}`);
      else job.done(false, `killed after ${formatDuration(timeoutMs)}${said}`);
    } catch (error) {
      job.done(false, `cannot be started: ${systemMessage(error)}`);
    }
  }
}
