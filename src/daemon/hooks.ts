import type { HookSettings } from "../config/config.ts";
import type { Role } from "../model/pair.ts";

/** Hooks that may wait; a pair that changes roles faster than its hooks run has other problems. */
const HOOKS_WAITING_MAX = 32;
/** What of a hook's output is kept for the log. */
const HOOK_OUTPUT_CHARACTERS_MAX = 2_000;

export interface HookJob {
  readonly name: Role;
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
      const command = job.name === "active" ? this.#settings.active : this.#settings.standby;
      if (command.length === 0) job.done(true, "no hook configured");
      else await this.#runOne(command, job);
    }
    this.#running = false;
  }

  async #runOne(command: readonly string[], job: HookJob): Promise<void> {
    const timeoutMs = this.#settings.timeoutMs;
    try {
      const child = Bun.spawn([...command], {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...job.environment },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
        // A group of its own, so that what the hook started ends with it.
        detached: true,
      });
      const timer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), timeoutMs);
      const [output] = await Promise.all([new Response(child.stderr).text(), child.exited]);
      clearTimeout(timer);
      const said = output.slice(0, HOOK_OUTPUT_CHARACTERS_MAX).trim();
      const how = child.signalCode === null ? `status ${child.exitCode}` : `signal ${child.signalCode}`;
      job.done(child.exitCode === 0, said === "" ? how : `${how}: ${said}`);
    } catch (error) {
      job.done(false, error instanceof Error ? error.message : String(error));
    }
  }
}
