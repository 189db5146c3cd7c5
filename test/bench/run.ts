/**
 * `npm run bench [SERVICESxSERVERS]…`: builds tandem, measures its start on this machine, boots the lab and measures it
 * beside ipvsadm and keepalived. Prints Markdown, and without words writes it into docs/benchmarks.md.
 */
import { join, resolve } from "node:path";
import { build } from "../../src/build/binary.ts";
import { exitStatus, runInLab } from "../lab/run-in-lab.ts";
import { writeSection } from "../support/document-section.ts";
import { dateText, machineText } from "../support/machine.ts";
import { startupTable } from "./startup.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DOCUMENT = join(ROOT, "docs/benchmarks.md");
const TIME_LIMIT_MS = 1_800_000;
/** The last is the size that keepalived's own documentation boasts of. */
const SIZES = ["100x1000", "1000x10000", "2277x37205"];

const HEAD = `## IPVS tables beside ipvsadm and keepalived

Written by \`npm run bench\` on ${dateText()}: whole processes in the lab's kernel (one processor), in turns; ipvsadm 1.31 and
keepalived 2.2.7 of Debian. ${machineText()}.

The machine is anything but steady: between two minutes everything in the lab takes three to five times as long, so that
the shares say something and the times little. In the lab a page that is touched for the first time costs about 90 µs, and a
Bun program that does nothing takes as long as \`ipvsadm -Ln\` of a small table does five times: small tables and single
changes cannot be as fast there. On a machine of its own tandem starts in 8 ms (the first table).`;

async function main(sizes: readonly string[]): Promise<number> {
  const built = build(join(ROOT, "dist/tandem"));
  if (built !== 0) return built;
  const startup = startupTable();
  process.stdout.write(`${startup}`);
  const decoder = new TextDecoder();
  let tables = "";
  const outcome = await runInLab([process.execPath, "test/bench/inside.ts", ...(sizes.length === 0 ? SIZES : sizes)], {
    directory: ROOT,
    timeLimitMs: TIME_LIMIT_MS,
    onOutput: (stream, bytes) => {
      process[stream].write(bytes);
      if (stream === "stdout") tables += decoder.decode(bytes, { stream: true });
    },
  });
  const status = exitStatus(outcome);
  if (status === 0 && sizes.length === 0) {
    writeSection(DOCUMENT, "Benchmarks", "tables", `${HEAD}\n\n${startup}\n${tables.replaceAll("\r", "").trim()}`);
  }
  return status;
}

process.exit(await main(process.argv.slice(2)));
