/**
 * Runs a command where IPVS is: directly, in fresh namespaces, on a kernel that has ip_vs (as root); else inside the
 * user-mode kernel. `namespaces` asks for plain namespaces of this kernel, for what needs no IPVS.
 */
import { existsSync } from "node:fs";
import type { LabCommand, LabOutcome } from "./lab-command.ts";
import { namespacesObstacle, runInNamespaces } from "./namespaces.ts";
import { runInUml } from "./uml.ts";

export const LAB_KINDS = ["uml", "namespaces"] as const;
export type LabKind = (typeof LAB_KINDS)[number];

export interface LabOptions {
  /** Default: the way that has IPVS on this machine; `TANDEM_LAB=uml|namespaces` overrides that. */
  readonly kind?: LabKind;
  readonly directory?: string;
  /** Added to the environment that is passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly writableDirectories?: readonly string[];
  /** Default: ten minutes. */
  readonly timeLimitMs?: number;
  readonly onOutput?: LabCommand["onOutput"];
}

/** What a command inside may know of the outside; the rest (tokens, sessions) stays out. */
const PASSED_ON = /^(?:PATH|LANG|LC_\w+|TERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CI|TANDEM_\w+|UPDATE)$/;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DEFAULT_TIME_LIMIT_MS = 600_000;

/**
 * Runs `command` and passes its output through as it comes.
 * SIGINT, SIGTERM and SIGHUP end the lab and everything in it.
 * Returns how it went.
 */
export async function runInLab(command: readonly string[], options: LabOptions = {}): Promise<LabOutcome> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, interrupt);
  try {
    const kind = options.kind ?? kindOfThisMachine();
    const job: LabCommand = {
      command,
      directory: options.directory ?? process.cwd(),
      environment: { ...passedOn(), TANDEM_LAB_KIND: kind, ...options.environment },
      writableDirectories: options.writableDirectories ?? [],
      timeLimitMs: options.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS,
      onOutput: options.onOutput ?? passThrough,
      signal: interrupted.signal,
    };
    return kind === "uml" ? await runInUml(job) : await runInNamespaces(job);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/** The exit status that a caller of `runInLab` ends with, in a shell's way: 124 for a time limit, 130 interrupted. */
export function exitStatus(outcome: LabOutcome): number {
  if (outcome.kind === "ended") return outcome.status;
  return { "time-limit": 124, interrupted: 130, broken: 125 }[outcome.kind];
}

/** The way that has IPVS on this machine: its own kernel where that has ip_vs and root may, else the user-mode kernel. */
export function kindOfThisMachine(): LabKind {
  const asked = LAB_KINDS.find((kind) => kind === process.env["TANDEM_LAB"]);
  if (asked !== undefined) return asked;
  return existsSync("/proc/net/ip_vs") && namespacesObstacle() === undefined ? "namespaces" : "uml";
}

function passedOn(): Record<string, string> {
  const environment: Record<string, string> = { HOME: "/tmp", TMPDIR: "/tmp" };
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && PASSED_ON.test(name)) environment[name] = value;
  }
  // The command's output is a terminal inside even where ours is none.
  if (!process.stdout.isTTY && environment["FORCE_COLOR"] === undefined) environment["NO_COLOR"] = "1";
  environment["PATH"] = `${process.env["PATH"] ?? ""}:${SYSTEM_PATH}`;
  return environment;
}

function passThrough(stream: "stdout" | "stderr", bytes: Uint8Array): void {
  process[stream].write(bytes);
}
