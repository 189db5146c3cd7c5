import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { address } from "../../../src/model/address.ts";
import type { CheckTarget } from "../../../src/model/health-check.ts";
import { layDebianTree } from "./debian-tree.ts";
import { isStopped, runningProcesses } from "./processes.ts";

/** Data and settings of one server, in a folder of its own. */
export interface ServerFiles {
  readonly folder: string;
  path(name: string): string;
  write(name: string, text: string, mode?: number): string;
  makeFolder(name: string, owner?: number): string;
}

function serverFiles(name: string): ServerFiles {
  const folder = mkdtempSync(join(tmpdir(), `tandem-${name}-`));
  const path = (file: string) => join(folder, file);
  return {
    folder,
    path,
    write(file, text, mode = 0o600) {
      writeFileSync(path(file), text, { mode });
      return path(file);
    },
    makeFolder(file, owner = 0) {
      mkdirSync(path(file));
      chownSync(path(file), owner, owner);
      return path(file);
    },
  };
}

/** How a server is prepared and run. */
export interface ServerPlan {
  readonly name: string;
  /** Prepares the files, runs what must be run first, and gives the command that stays in the foreground. */
  readonly command: (files: ServerFiles) => readonly string[];
  /** Whether it answers; asked until it does. */
  readonly isReady: () => Promise<boolean>;
}

/** How long a server may take to be ready, or to end: on a machine that does much else at once. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 20;

/** Asks again until the answer is yes. @throws when that takes longer than any machine should. */
export async function eventually(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const sinceMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - sinceMs > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await Bun.sleep(PAUSE_MS);
  }
}

function signal(id: number, name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
  try {
    process.kill(id, name);
  } catch {
    // It ended by itself.
  }
}

/** A real server as a child process in a session of its own. */
export class RealServer implements AsyncDisposable {
  readonly #plan: ServerPlan;
  readonly #files: ServerFiles;
  readonly #command: readonly string[];
  #process: Bun.Subprocess | undefined;

  private constructor(plan: ServerPlan, files: ServerFiles, command: readonly string[]) {
    this.#plan = plan;
    this.#files = files;
    this.#command = command;
  }

  static async start(plan: ServerPlan): Promise<RealServer> {
    layDebianTree();
    const files = serverFiles(plan.name);
    // Servers that give up root must still reach their files.
    Bun.spawnSync(["chmod", "755", files.folder]);
    const server = new RealServer(plan, files, plan.command(files));
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const log = Bun.file(this.#files.path("log"));
    const started = Bun.spawn([...this.#command], {
      cwd: "/",
      stdin: "ignore",
      stdout: log,
      stderr: log,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C", HOME: this.#files.folder },
      detached: true,
    });
    this.#process = started;
    try {
      await eventually(`${this.#plan.name} answers`, async () => {
        if (started.exitCode !== null) throw new Error(`${this.#plan.name} ended with ${started.exitCode}`);
        return await this.#plan.isReady();
      });
    } catch (error) {
      throw new Error(`${String(error)}\n${readFileSync(this.#files.path("log"), "utf8").slice(-2_000)}`);
    }
  }

  /** It is there, and does nothing: its kernel still takes connections for it. */
  async freeze(): Promise<void> {
    const group = this.#process?.pid;
    if (group === undefined) throw new Error(`${this.#plan.name} does not run`);
    this.#signal("SIGSTOP");
    await eventually(`${this.#plan.name} stands still`, () => isStopped(group));
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  /** Ends it with all its processes. */
  async stop(): Promise<void> {
    const stopped = this.#process;
    if (stopped === undefined) return;
    this.#signal("SIGKILL");
    await stopped.exited;
    this.#process = undefined;
    // Its children may still have the port for a moment. PostgreSQL's have groups of their own, and hold the memory
    // without which the next one does not start.
    await eventually(`${this.#plan.name} is gone`, () => {
      const left = runningProcesses(stopped.pid, this.#files.folder);
      for (const id of left) signal(id, "SIGKILL");
      return left.length === 0;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#files.folder, { recursive: true, force: true });
  }

  #signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    if (this.#process !== undefined) signal(-this.#process.pid, name);
  }
}

export function onPort(port: number): CheckTarget {
  return { address: address("127.0.0.1"), port };
}
