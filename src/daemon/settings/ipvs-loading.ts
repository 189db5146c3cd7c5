import { writeSync } from "node:fs";
import { loadIpvs } from "../../kernel/ipvs/ipvs-module.ts";
import { systemMessage } from "../../lib/system-reason.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { SIGKILL } from "../../sys/libc/constants.ts";
import { dieWithParent, parentProcessId, signalProcessGroup } from "../../sys/process/process.ts";
import { ownProgram } from "../host/own-program.ts";
import { IPVS_LOADER_ARGUMENT } from "./ipvs-loader-argument.ts";

/**
 * IPVS is looked for and loaded in a process of its own: both may wait for as long as the kernel or the machine's modprobe
 * likes, and heartbeats never wait.
 */

/** A slow disk takes seconds; what takes longer hangs. */
export const LOAD_LIMIT_MS = 20_000;
/** What is shown of the reason. */
const REASON_CHARACTERS_MAX = 300;

const STDOUT = 1;

/** The other process: loads IPVS where it is not there. @returns the exit code, 0 when IPVS is there. */
export function runIpvsLoader(): number {
  dieWithParent(parentProcessId());
  try {
    const reason = loadIpvs();
    if (reason === undefined) return 0;
    writeSync(STDOUT, reason);
  } catch (error) {
    writeSync(STDOUT, error instanceof Error ? error.message : String(error));
  }
  return 1;
}

/**
 * Loads IPVS where it is not there, without holding up this process.
 * @param command is what the program of this process is started with; another one in tests
 * @returns why IPVS is not there, a clause; undefined when it is. Never throws.
 */
export async function loadIpvsAside(
  command: readonly string[] = [...ownProgram(), IPVS_LOADER_ARGUMENT],
  limitMs = LOAD_LIMIT_MS,
): Promise<string | undefined> {
  const startedMs = monotonicMs();
  try {
    // A process group of its own: what it started ends with it.
    const loader = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "ignore", detached: true });
    const timer = setTimeout(() => signalProcessGroup(loader.pid, SIGKILL), limitMs);
    const exitCode = await loader.exited;
    clearTimeout(timer);
    if (exitCode === 0) return undefined;
    const said = await new Response(loader.stdout).text();
    if (said !== "") return said.slice(0, REASON_CHARACTERS_MAX);
    const isLate = monotonicMs() - startedMs >= limitMs;
    return isLate ? `it was not loaded within ${limitMs / 1_000} s` : "the process that loads it died";
  } catch (error) {
    return `the process that loads it cannot be started (${systemMessage(error)})`;
  }
}
