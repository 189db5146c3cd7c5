import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { SIGKILL } from "../../sys/libc/constants.ts";
import {
  adoptOrphans,
  childrenOfThisProcess,
  processId,
  reapChild,
  signalProcess,
  signalProcessGroup,
} from "../../sys/process/process.ts";

/**
 * What a program leaves behind outside of its process group: a session of its own, the child of a child. Its orphans
 * come to this process instead of to init, level by level as their parents are killed, until there are none.
 */

/** Tells whose an orphan is. A program that clears the environment of what it starts takes the mark from it. */
export const MARK_VARIABLE = "TANDEM_CHECK";
const PAUSE_MS = 1;
/** More turns than the wait for a killed process lasts: what starts processes faster than they are killed is left. */
const TURNS_MAX = 1_000;

/** The programs that were started here and whose end is waited for; their orphans may be theirs still. */
export const runningPrograms = new Set<number>();

/** The marks of programs whose leftovers were not cleared yet. */
const liveMarks = new Set<string>();
let adopts = false;
let count = 0;

/** Kills the process groups of all programs that run, for a process that is about to end. */
export function killRunningPrograms(): void {
  for (const id of runningPrograms) signalProcessGroup(id, SIGKILL);
}

/** Process ids are numbers of one namespace: another's are not to be taken for ours. */
function namespaceName(): string {
  return readlinkSync("/proc/self/ns/pid");
}

/** The process that a mark was given out by; undefined for one of another namespace, or no mark. */
function marker(mark: string | undefined, namespace: string): number | undefined {
  const [, place, id] = /^(.*):(\d+)\.\d+$/.exec(mark ?? "") ?? [];
  return place === namespace ? Number(id) : undefined;
}

/**
 * Kills the programs of checks whose checker is gone, killed before it could end them: nobody holds them to their limit
 * any more. To be called before the first check.
 */
export function killAbandonedPrograms(): void {
  const namespace = namespaceName();
  for (const name of readdirSync("/proc")) {
    const id = Number(name);
    if (!Number.isInteger(id) || id < 2 || id === processId()) continue;
    const checker = marker(markOf(id), namespace);
    if (checker !== undefined && !existsSync(`/proc/${checker}`)) signalProcess(id, SIGKILL);
  }
}

/** Once in a process. */
function prepare(): void {
  if (adopts) return;
  adoptOrphans();
  process.once("exit", killRunningPrograms);
  adopts = true;
}

function markOf(id: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${id}/environ`, "latin1").split("\0");
    return words.find((word) => word.startsWith(`${MARK_VARIABLE}=`))?.slice(MARK_VARIABLE.length + 1);
  } catch {
    // It has ended, or hides its environment.
    return undefined;
  }
}

/** What one program starts. */
export class Confinement {
  readonly mark: string;
  /** Children that were here before: another's. */
  readonly #others: ReadonlySet<number>;

  /** To be made just before the program is started. */
  constructor() {
    prepare();
    count += 1;
    this.mark = `${namespaceName()}:${processId()}.${count}`;
    liveMarks.add(this.mark);
    this.#others = new Set(childrenOfThisProcess());
  }

  /** Kills all that is left, once the program itself has ended. */
  async clear(): Promise<void> {
    liveMarks.delete(this.mark);
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const left = childrenOfThisProcess().filter((id) => this.#isLeft(id));
      if (left.length === 0) return;
      for (const id of left) {
        signalProcess(id, SIGKILL);
        reapChild(id);
      }
      await Bun.sleep(PAUSE_MS);
    }
  }

  #isLeft(id: number): boolean {
    if (this.#others.has(id) || runningPrograms.has(id)) return false;
    const mark = markOf(id);
    // Without a mark of ours it is nobody's that we know of: no check may leave such a process behind.
    return mark === undefined || !liveMarks.has(mark);
  }
}
