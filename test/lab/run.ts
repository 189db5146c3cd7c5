/**
 * Runs any command where IPVS is:
 * `bun test/lab/run.ts [--kind uml|namespaces] [--write DIR]... [--limit SECONDS] [--] COMMAND...`
 * Its output is passed through, its exit status kept. The command sees the project read-only; /tmp, /run and /var/lib
 * are its own. `--write DIR` makes a folder of the host writable.
 */
import { resolve } from "node:path";
import { exitStatus, LAB_KINDS, type LabOptions, runInLab } from "./run-in-lab.ts";

const USAGE = "usage: bun test/lab/run.ts [--kind uml|namespaces] [--write DIR]... [--limit SECONDS] [--] COMMAND...\n";

/** Options come before the command; bun itself takes a `--` that comes first. */
function readArguments(words: readonly string[]): { options: LabOptions; command: readonly string[] } | undefined {
  let kind: LabOptions["kind"];
  let timeLimitMs: number | undefined;
  const writableDirectories: string[] = [];
  let position = 0;
  for (; words[position]?.startsWith("--") && words[position] !== "--"; position += 2) {
    const value = words[position + 1] ?? "";
    if (words[position] === "--kind") kind = LAB_KINDS.find((name) => name === value);
    else if (words[position] === "--limit") timeLimitMs = Number(value) * 1000;
    else if (words[position] === "--write") writableDirectories.push(resolve(value));
    else return undefined;
  }
  const command = words.slice(words[position] === "--" ? position + 1 : position);
  const limit = timeLimitMs === undefined ? {} : { timeLimitMs };
  return { options: { ...(kind === undefined ? {} : { kind }), ...limit, writableDirectories }, command };
}

const read = readArguments(process.argv.slice(2));
if (read === undefined || read.command.length === 0) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const outcome = await runInLab(read.command, read.options);
if (outcome.kind !== "ended") {
  process.stderr.write(`lab: ${outcome.kind === "broken" ? outcome.reason : outcome.kind}\n`);
}
process.exit(exitStatus(outcome));
