import { readFileSync } from "node:fs";
import type { ProbeOutcome } from "../../model/health-check.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { interfaceFlags } from "../../sys/sockets/interface-flags.ts";
import { failure, localFailure, success } from "../transport/outcome.ts";

/** The interfaces of the network namespace that this thread is in, each with its name before a colon. */
const INTERFACES_FILE = "/proc/thread-self/net/dev";

function isThere(name: string): boolean {
  const lines = readFileSync(INTERFACES_FILE, "utf8").split("\n");
  return lines.some((line) => line.slice(0, line.indexOf(":")).trim() === name);
}

/** Whether an interface is there, up, and has a carrier. */
export function probeInterface(name: string): ProbeOutcome {
  const startedMs = monotonicMs();
  try {
    const flags = isThere(name) ? interfaceFlags(name) : undefined;
    const elapsedMs = monotonicMs() - startedMs;
    if (flags === undefined) return failure(elapsedMs, "state", `there is no interface ${name}`);
    if (!flags.up) return failure(elapsedMs, "state", `${name} is not up`);
    return flags.running
      ? success(elapsedMs, `${name} is up and has a carrier`)
      : failure(elapsedMs, "state", `${name} has no carrier`);
  } catch (error) {
    return localFailure(error);
  }
}
