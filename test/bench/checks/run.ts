/**
 * `npm run bench:checks [KIND:RATE]…`: builds tandem, boots the lab and lets tandem and keepalived check the same servers
 * there, one after the other. `npm run bench:checks deaths [PRODUCT]…`: how long a dead server stays in the table, at the
 * defaults of tandem, ldirectord and keepalived. Without words, both. `npm run bench:checks host [KIND:RATE]…`: tandem alone
 * on this machine's own kernel, as root, where keepalived would need IPVS. Prints Markdown tables.
 */
import { join, resolve } from "node:path";
import { build } from "../../../src/build/binary.ts";
import { exitStatus, type LabKind, runInLab } from "../../lab/run-in-lab.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const TIME_LIMIT_MS = 1_800_000;
const LOADS = ["tcp:500", "tcp:2000", "tcp:5000", "http:500", "http:2000", "http:5000"];

async function main(words: readonly string[]): Promise<number> {
  const built = build(join(ROOT, "dist/tandem"));
  if (built !== 0) return built;
  if (words[0] === "host") return await inLab("inside.ts", words.length === 1 ? LOADS : words.slice(1), "namespaces");
  const deaths = words[0] === "deaths";
  const status = deaths ? 0 : await inLab("inside.ts", words.length === 0 ? LOADS : words);
  return status === 0 && (deaths || words.length === 0) ? await inLab("deaths.ts", words.slice(1)) : status;
}

async function inLab(program: string, words: readonly string[], kind?: LabKind): Promise<number> {
  const command = [process.execPath, `test/bench/checks/${program}`, ...words];
  const options = { directory: ROOT, timeLimitMs: TIME_LIMIT_MS, ...(kind === undefined ? {} : { kind }) };
  return exitStatus(await runInLab(command, options));
}

process.exit(await main(process.argv.slice(2)));
