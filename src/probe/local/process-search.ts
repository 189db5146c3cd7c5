import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { ProbeOutcome } from "../../model/health-check.ts";
import { monotonicMs } from "../../sys/libc/clock.ts";
import { failure, success } from "../transport/outcome.ts";
import { formatElapsed } from "../transport/probe-text.ts";

/** TASK_COMM_LEN of linux/sched.h without its NUL: longer names are cut. */
const NAME_BYTES_MAX = 15;
/** Processes looked at in one turn of the event loop: some 20 µs each, so that other probes are not held up. */
const TURN_PROCESSES = 100;
/** proc(5): a zombie, and one that is being buried. */
const DEAD_STATES = "ZXx";

interface Sight {
  /** Bytes as Latin-1, as the kernel shows it. */
  readonly name: string;
  readonly alive: boolean;
}

/** What /proc/PID/stat says; undefined for a process that has gone. It takes no lock of the process, as cmdline would. */
function look(id: string | number): Sight | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "latin1");
    const [begin, end] = [stat.indexOf("("), stat.lastIndexOf(")")];
    return { name: stat.slice(begin + 1, end), alive: !DEAD_STATES.includes(stat.charAt(end + 2)) };
  } catch {
    return undefined;
  }
}

/** The name of a process's program; undefined where there is none (a kernel thread) or it may not be read. */
function programName(id: string | number): string | undefined {
  try {
    // An upgrade removes the file of a program that runs (d_path, fs/d_path.c).
    return basename(readlinkSync(`/proc/${id}/exe`).replace(/ \(deleted\)$/, ""));
  } catch {
    return undefined;
  }
}

function isOf(id: string | number, name: string, shown: string): boolean {
  const sight = look(id);
  return sight?.alive === true && (sight.name === shown || programName(id) === name);
}

/** Looks for processes by their name, first where they were found last. */
export class ProcessSearch {
  /** By name. As many as there are gates. */
  readonly #found = new Map<string, string>();

  /** Whether a process of this name runs. Never rejects. */
  async run(name: string, timeoutMs: number): Promise<ProbeOutcome> {
    const startedMs = monotonicMs();
    const elapsed = () => monotonicMs() - startedMs;
    const shown = Buffer.from(name).subarray(0, NAME_BYTES_MAX).toString("latin1");
    const known = this.#found.get(name);
    if (known !== undefined && isOf(known, name, shown)) return success(elapsed(), `process ${known} runs`);
    this.#found.delete(name);
    let ids: string[];
    try {
      ids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
    } catch (error) {
      return failure(
        elapsed(),
        "local",
        `cannot look for processes: ${error instanceof Error ? error.message : error}`,
      );
    }
    for (const [index, id] of ids.entries()) {
      if (isOf(id, name, shown)) {
        this.#found.set(name, id);
        return success(elapsed(), `process ${id} runs`);
      }
      if ((index + 1) % TURN_PROCESSES !== 0) continue;
      await new Promise<void>((go) => setImmediate(go));
      if (elapsed() > timeoutMs) {
        const reason = `no process ${name} was found within ${formatElapsed(timeoutMs)}, among ${index + 1} of ${ids.length}`;
        return failure(elapsed(), "timeout", reason);
      }
    }
    return failure(elapsed(), "state", `no process ${name} runs`);
  }
}
