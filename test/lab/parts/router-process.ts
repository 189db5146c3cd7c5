/** One `tandem run` on a router of the topology, as a process that can be killed, stopped and asked. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { StatusReport } from "../../../src/daemon/status/status-report.ts";
import { ROUTERS, type RouterHost, type RouterName, type Topology } from "../topology.ts";

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** What is around a daemon other than usual. */
export interface Surroundings {
  /** Redirections of a shell: `2>/dev/full`. What goes elsewhere is not in `log`. */
  readonly redirections?: string;
  /** A tmpfs with these options in the place of the state directory, which this process alone sees. */
  readonly stateMount?: string;
  /** Fills that file system to the last page. */
  readonly isStateFull?: boolean;
  /** It has to find out by its addresses which router it is. */
  readonly knowsNotWhich?: boolean;
}

/** Commands that come before the daemon, in a mount namespace of its own (`ip netns exec` makes one). */
function shellCommand(command: readonly string[], stateDirectory: string, around: Surroundings): string[] {
  const { stateMount, isStateFull = false, redirections = "" } = around;
  const script = [
    ...(stateMount === undefined ? [] : [`mount -t tmpfs -o ${stateMount} none "$0"`]),
    ...(isStateFull ? ['{ cat /dev/zero >"$0/ballast" 2>/dev/null || true; }'] : []),
    `exec "$@" ${redirections}`,
  ];
  return ["sh", "-c", script.join(" && "), stateDirectory, ...command];
}

/** What a router logged, in the order it came; the oldest lines go when there are too many. */
const LOG_LINES_LIMIT = 5000;

export class RouterProcess {
  readonly name: RouterName;
  readonly log: string[] = [];
  readonly #topology: Topology;
  readonly #host: RouterHost;
  readonly binary: string;
  readonly #folder: string;
  readonly #configPath: string;
  #process: Subprocess<"ignore", "ignore", "pipe"> | undefined;

  /**
   * @param files.folder for its runtime and state directories; the state outlives the process.
   * @param files.host the machine it runs on; default: the one of that name.
   */
  constructor(
    topology: Topology,
    name: RouterName,
    files: {
      readonly binary: string;
      readonly folder: string;
      readonly configPath: string;
      readonly host?: RouterHost;
    },
  ) {
    this.#topology = topology;
    this.name = name;
    this.#host = files.host ?? name;
    this.binary = files.binary;
    this.#folder = join(files.folder, this.#host);
    this.#configPath = files.configPath;
    for (const directory of [this.runtimeDirectory, this.stateDirectory]) mkdirSync(directory, { recursive: true });
  }

  get runtimeDirectory(): string {
    return join(this.#folder, "run");
  }

  get stateDirectory(): string {
    return join(this.#folder, "state");
  }

  /** A file of the state directory as the process sees it, also where that is mounted for it alone. */
  stateFile(name: string): string {
    return `/proc/${this.pid}/root${join(this.stateDirectory, name)}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** It was started and has not ended. */
  get alive(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  start(around: Surroundings = {}): void {
    const role = this.name === ROUTERS[0].name ? "primary" : "backup";
    const which = around.knowsNotWhich === true ? [] : ["--router", role];
    const directories = ["--runtime-dir", this.runtimeDirectory, "--state-dir", this.stateDirectory];
    const command = [this.binary, "run", "--config", this.#configPath, ...which, ...directories];
    // `ip netns exec` becomes the program, so that the process id is tandem's own; it also gives it a /sys of its own.
    const inNamespace = ["ip", "netns", "exec", this.#topology.namespace(this.#host)];
    this.#process = Bun.spawn([...inNamespace, ...shellCommand(command, this.stateDirectory, around)], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    void this.#collect(this.#process.stderr);
  }

  /** Sends a signal to the router process alone; its balancer is a child of it. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM" | "SIGHUP" | "SIGUSR1" | "SIGUSR2"): void {
    this.#process?.kill(signal);
  }

  /** The exit code, or undefined when it doesn't end within the time. */
  async awaitEnd(limitMs: number): Promise<number | undefined> {
    const ended = this.#process?.exited;
    if (ended === undefined) return undefined;
    return await Promise.race([ended, Bun.sleep(limitMs).then(() => undefined)]);
  }

  /** Runs `tandem WORDS…` on this router, with the router's own directories where the command knows them. */
  async tandem(...words: readonly string[]): Promise<CommandResult> {
    const asked = this.#topology.on(this.#host, () =>
      // Niced: on one slow CPU a program that starts would else hold up the routers and the probes for a third of a second.
      Bun.spawn(["nice", "-n", "10", this.binary, ...words, ...this.#directoryFlags(words)], {
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(asked.stdout).text(),
      new Response(asked.stderr).text(),
      asked.exited,
    ]);
    return { stdout, stderr, exitCode };
  }

  /** The daemon's own view; undefined while it doesn't answer. */
  async status(): Promise<StatusReport | undefined> {
    const { stdout } = await this.tandem("status", "--json");
    try {
      return JSON.parse(stdout) as StatusReport;
    } catch {
      return undefined;
    }
  }

  /** Ends the process whatever state it is in. */
  async end(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    process.kill("SIGKILL");
    await process.exited;
  }

  #directoryFlags(words: readonly string[]): string[] {
    const noun = words[0] ?? "";
    const talksToDaemon =
      ["status", "failover", "real", "reload"].includes(noun) ||
      words[1] === "watch" ||
      words[1] === "ping" ||
      words[1] === "plan";
    return talksToDaemon ? ["--runtime-dir", this.runtimeDirectory] : [];
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      this.log.push(...lines);
      if (this.log.length > LOG_LINES_LIMIT) this.log.splice(0, this.log.length - LOG_LINES_LIMIT);
    }
    if (rest !== "") this.log.push(rest);
  }
}
