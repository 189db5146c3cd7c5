/** Programs of checks that do what they should not, by the thousand, and what is left of them. */
import { readdirSync, readFileSync } from "node:fs";
import { address } from "../../src/model/address.ts";
import { runExternal } from "../../src/probe/local/external-check.ts";

/** Found in the command line of everything that the programs start. */
const NAP = `1000.${process.pid}`;
const nap = `sleep ${NAP}`;

/** What each does, and whether it ends by itself. */
const PROGRAMS: readonly { readonly script: string; readonly ends: boolean }[] = [
  { script: "exit 0", ends: true },
  { script: `${nap} & ${nap} & wait`, ends: false },
  { script: `trap '' TERM INT HUP; ${nap}; ${nap}`, ends: false },
  { script: "yes 'an endless answer'", ends: false },
  { script: `${nap} & exit 0`, ends: true },
  { script: `setsid sh -c '${nap} & ${nap}' & exit 0`, ends: true },
  { script: `setsid setsid ${nap} >/dev/null 2>&1 </dev/null & exit 0`, ends: true },
  { script: `env -i setsid -f sleep ${NAP}; ${nap}`, ends: false },
  { script: `(setsid sh -c "setsid sh -c 'trap \\"\\" TERM; ${nap}' & ${nap}" &); ${nap}`, ends: false },
];

/** Long enough for a shell to have done its worst. */
const LIMIT_MS = 100;
const PATIENT_MS = 20_000;
const AT_ONCE = 16;
const TARGET = { address: address("127.0.0.1"), port: 80 };

export interface StormReport {
  readonly runs: number;
  /** Processes that are still there, and those that ended and were not reaped. */
  readonly left: readonly string[];
  readonly wrongOutcomes: readonly string[];
  readonly descriptorsGrown: number;
  readonly residentGrownBytes: number;
}

async function runOne(index: number): Promise<string | undefined> {
  const program = PROGRAMS[index % PROGRAMS.length];
  if (program === undefined) return undefined;
  const command = ["/bin/sh", "-c", program.script];
  const limitMs = program.ends ? PATIENT_MS : LIMIT_MS;
  const outcome = await runExternal({ kind: "external", command, user: "nobody" }, TARGET, limitMs);
  const isRight = program.ends ? outcome.result === "success" : outcome.reason.includes("did not end within");
  return isRight ? undefined : `${program.script}: ${outcome.reason}`;
}

async function runMany(runs: number): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < runs) {
      next += 1;
      const problem = await runOne(next);
      if (problem !== undefined) wrong.push(problem);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return wrong;
}

/** Our children, and whatever has the name of a nap in its command line. */
function remains(): string[] {
  return readdirSync("/proc").flatMap((id) => {
    if (!/^\d+$/.test(id)) return [];
    try {
      const stat = readFileSync(`/proc/${id}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const words = readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
      return Number(parent) === process.pid || words.includes(NAP) ? [`${id} ${state} ${words}`] : [];
    } catch {
      return [];
    }
  });
}

const descriptors = () => readdirSync("/proc/self/fd").length;

/** Runs the programs so many times in all, many at once. */
export async function programStorm(runs: number): Promise<StormReport> {
  const before = new Set(remains());
  // What the engine loads and keeps for ever is there after the first of each.
  const warm = await runMany(PROGRAMS.length * 2);
  Bun.gc(true);
  const [openBefore, residentBefore] = [descriptors(), process.memoryUsage().rss];
  const wrongOutcomes = [...warm, ...(await runMany(runs))];
  Bun.gc(true);
  return {
    runs,
    left: remains().filter((line) => !before.has(line)),
    wrongOutcomes,
    descriptorsGrown: descriptors() - openBefore,
    residentGrownBytes: process.memoryUsage().rss - residentBefore,
  };
}
