/**
 * `npm run bench:sync [ENTRIES]…`: builds tandem, boots the lab and measures how long a standby that has just come takes
 * to learn the active's connections, what that costs the router that tells them, and how many of a site's short
 * connections are lost over planned moves.
 */
import { join, resolve } from "node:path";
import { build } from "../../../src/build/binary.ts";
import { exitStatus, runInLab } from "../../lab/run-in-lab.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const TIME_LIMIT_MS = 1_200_000;
const SIZES = ["1000", "10000", "100000"];

async function main(sizes: readonly string[]): Promise<number> {
  const built = process.env["TANDEM_BINARY"] === undefined ? build(join(ROOT, "dist/tandem")) : 0;
  if (built !== 0) return built;
  const binary = process.env["TANDEM_BINARY"] ?? join(ROOT, "dist/tandem");
  const tables = ["test/bench/sync/inside.ts", ...(sizes.length === 0 ? SIZES : sizes)];
  for (const program of [tables, ["test/bench/sync/moves.ts"]]) {
    const outcome = await runInLab(["env", `TANDEM_BINARY=${binary}`, process.execPath, ...program], {
      kind: "uml",
      directory: ROOT,
      timeLimitMs: TIME_LIMIT_MS,
    });
    const status = exitStatus(outcome);
    if (status !== 0) return status;
  }
  return 0;
}

process.exit(await main(process.argv.slice(2)));
