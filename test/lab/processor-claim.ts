/**
 * Which of the machine's processors a lab has for itself. The user-mode kernel and its processes wake each other at each
 * system call: on one processor that takes a fourth of what it takes across two (15 instead of 60 us a call, 80 instead
 * of 320 us a page touched for the first time, measured), and it does not change from one minute to the next.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

/** `0-1,4` as 0, 1, 4 (cpuset(7), list format). */
export function readProcessorList(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (range === null) return [];
    const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])];
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  });
}

/** The processors that this process may run on. */
function allowedProcessors(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "";
  const processors = readProcessorList(list);
  return processors.length > 0 ? processors : Array.from({ length: availableParallelism() }, (_, index) => index);
}

function isAlive(pid: number): boolean {
  // To the system 0 is the whole group of processes that this one is in.
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

export class ProcessorClaim implements Disposable {
  readonly processor: number;
  readonly #file: string | undefined;

  private constructor(processor: number, file?: string) {
    this.processor = processor;
    this.#file = file;
  }

  /** The first processor that no other lab has; where each has one, any of them. */
  static take(folder = tmpdir(), processors = allowedProcessors()): ProcessorClaim {
    for (const processor of processors) {
      const file = join(folder, `tandem-lab-processor-${processor}`);
      if (claim(file)) return new ProcessorClaim(processor, file);
    }
    return new ProcessorClaim(processors[process.pid % processors.length] ?? 0);
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) rmSync(this.#file, { force: true });
  }
}

/** Makes the file with this process in it, unless it is that of a process that lives. */
function claim(file: string): boolean {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return true;
    } catch {
      if (isAlive(readOwner(file)) || !remove(file)) return false;
    }
  }
  return false;
}

/** Another user's file in the folder for all can't be removed, whether its process lives or not. */
function remove(file: string): boolean {
  try {
    rmSync(file, { force: true });
    return true;
  } catch {
    return false;
  }
}

/** 0, which is nobody's, for a file that is empty or gone. */
function readOwner(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, "utf8"), 10) || 0;
  } catch {
    return 0;
  }
}
