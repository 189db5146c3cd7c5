/** Runs some programs that write without end; says by how many MiB this process was ever larger than before it. */
import { readFileSync } from "node:fs";
import { address } from "../../../../src/model/address.ts";
import { runExternal } from "../../../../src/probe/local/external-check.ts";

function largestMiB(): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) / 1024;
}

const target = { address: address("127.0.0.1"), port: 80 };
const run = (script: string, limitMs: number) =>
  runExternal({ kind: "external", command: ["/bin/sh", "-c", script], user: "nobody" }, target, limitMs);

// What the engine loads once is there after the first.
await run("echo something", 10_000);
const beforeMiB = largestMiB();
const outcomes = await Promise.all(Array.from({ length: 8 }, () => run("exec yes 'endless output'", 500)));
const said = outcomes.every(({ reason }) => reason.includes("endless output"));
process.stdout.write(JSON.stringify({ grownMiB: largestMiB() - beforeMiB, said }));
