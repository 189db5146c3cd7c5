/**
 * `npm run bench [SERVICESxSERVERS]…`: builds tandem, measures its start on this machine, boots the lab and measures it
 * beside ipvsadm and keepalived. Prints Markdown.
 */
import { join, resolve } from "node:path";
import { build } from "../../src/build/binary.ts";
import { exitStatus, runInLab } from "../lab/run-in-lab.ts";
import { printStartup } from "./startup.ts";

const ROOT = resolve(import.meta.dir, "../..");
const TIME_LIMIT_MS = 1_800_000;
/** The last is the size that keepalived's own documentation boasts of. */
const SIZES = ["100x1000", "1000x10000", "2277x37205"];

async function main(sizes: readonly string[]): Promise<number> {
  const built = build(join(ROOT, "dist/tandem"));
  if (built !== 0) return built;
  printStartup();
  const outcome = await runInLab([process.execPath, "test/bench/inside.ts", ...(sizes.length === 0 ? SIZES : sizes)], {
    directory: ROOT,
    timeLimitMs: TIME_LIMIT_MS,
  });
  return exitStatus(outcome);
}

process.exit(await main(process.argv.slice(2)));
