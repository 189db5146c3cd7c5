/**
 * The inside of `npm run bench:checks`: both products check the same servers at the same rates, one after the other, in
 * one lab. Arguments: the seconds that all of it may take, `short` or `whole`, and `tcp:500`, `http:2000` …
 */
import { hasIpvs, PRODUCTS, type Product } from "./checker.ts";
import { MEASURE_LIMIT_MS, type Measured, measure } from "./measure.ts";
import { makeNetwork } from "./peer-network.ts";
import { failedRow, HEAD, row } from "./row.ts";
import { CHECK_KINDS, type Load } from "./servers.ts";

function readLoad(word: string): Load {
  const [kindText, servers] = word.split(":");
  const kind = CHECK_KINDS.find((name) => name === kindText);
  if (kind === undefined || !/^\d{1,4}$/.test(servers ?? "")) throw new Error(`not KIND:RATE: ${word}`);
  return { kind, servers: Number(servers) };
}

function productsHere(): readonly Product[] {
  return hasIpvs() ? PRODUCTS : ["tandem"];
}

/** No product and no load keeps the others from being measured. */
async function measured(product: Product, load: Load, isShort: boolean): Promise<Measured | string> {
  try {
    return await measure(product, load, isShort);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const [seconds, form, ...words] = process.argv.slice(2);
const untilMs = performance.now() + Number(seconds) * 1_000;
makeNetwork();
const server = Bun.spawn([process.execPath, `${import.meta.dir}/server.ts`], {
  stdio: ["ignore", "ignore", "inherit"],
});
process.stdout.write(`${HEAD}\n`);
for (const load of words.map(readLoad)) {
  let peer: Measured | undefined;
  for (const product of productsHere()) {
    const hasTime = performance.now() + MEASURE_LIMIT_MS < untilMs;
    const result = hasTime ? await measured(product, load, form === "short") : "left out: no time was left";
    process.stdout.write(
      `${typeof result === "string" ? failedRow(load, product, result) : row(load, result, peer)}\n`,
    );
    if (typeof result !== "string") peer = result;
  }
}
server.kill();
process.exit(0);
