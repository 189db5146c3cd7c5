/**
 * `npm run bench:checks [KIND:RATE]…`: builds tandem, boots the lab and lets tandem and keepalived check the same servers
 * there, one after the other. Prints a Markdown table.
 */
import { join, resolve } from "node:path";
import { build } from "../../../src/build/binary.ts";
import { exitStatus, runInLab } from "../../lab/run-in-lab.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const TIME_LIMIT_MS = 1_800_000;
const LOADS = ["tcp:500", "tcp:2000", "tcp:5000", "http:500", "http:2000", "http:5000"];

async function main(loads: readonly string[]): Promise<number> {
  const built = build(join(ROOT, "dist/tandem"));
  if (built !== 0) return built;
  const words = loads.length === 0 ? LOADS : loads;
  const outcome = await runInLab([process.execPath, "test/bench/checks/inside.ts", ...words], {
    directory: ROOT,
    timeLimitMs: TIME_LIMIT_MS,
  });
  return exitStatus(outcome);
}

process.exit(await main(process.argv.slice(2)));
