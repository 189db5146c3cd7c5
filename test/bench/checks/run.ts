/**
 * `npm run bench:checks [KIND:RATE]…`: builds tandem, boots the lab and lets tandem and keepalived check the same servers
 * there, one after the other. `npm run bench:checks deaths [PRODUCT]…`: how long a dead server stays in the table, at the
 * defaults of tandem, ldirectord and keepalived. Without words, both. Prints Markdown tables.
 */
import { join, resolve } from "node:path";
import { build } from "../../../src/build/binary.ts";
import { exitStatus, runInLab } from "../../lab/run-in-lab.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const TIME_LIMIT_MS = 1_800_000;
const LOADS = ["tcp:500", "tcp:2000", "tcp:5000", "http:500", "http:2000", "http:5000"];

async function main(words: readonly string[]): Promise<number> {
  const built = build(join(ROOT, "dist/tandem"));
  if (built !== 0) return built;
  const deaths = words[0] === "deaths";
  const status = deaths ? 0 : await inLab("inside.ts", words.length === 0 ? LOADS : words);
  return status === 0 && (deaths || words.length === 0) ? await inLab("deaths.ts", words.slice(1)) : status;
}

async function inLab(program: string, words: readonly string[]): Promise<number> {
  const command = [process.execPath, `test/bench/checks/${program}`, ...words];
  return exitStatus(await runInLab(command, { directory: ROOT, timeLimitMs: TIME_LIMIT_MS }));
}

process.exit(await main(process.argv.slice(2)));
