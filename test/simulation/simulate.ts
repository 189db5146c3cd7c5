/**
 * `bun test/simulation/simulate.ts [FROM] [TO] [WEATHER]`: storms from the seeds FROM to TO (0 to 999), all weathers or
 * one. Prints each failing seed with its problems and its last log lines; exit code 1 when there was one.
 */
import { createState, nextDeadline, step } from "../../src/failover/failover.ts";
import { runChaos, WEATHERS } from "./chaos.ts";

const [from = "0", to = "999", only] = process.argv.slice(2);
let failed = 0;
let runs = 0;
for (let seed = Number(from); seed <= Number(to); seed += 1) {
  for (const weather of WEATHERS.filter(({ name }) => only === undefined || name === only)) {
    const { problems, lines } = runChaos(weather, seed, { createState, step, nextDeadline });
    runs += 1;
    if (problems.length === 0) continue;
    failed += 1;
    process.stdout.write(`${lines.join("\n")}\nseed ${seed}, ${weather.name}:\n  ${problems.join("\n  ")}\n\n`);
  }
}
process.stdout.write(`${runs} storms, ${failed} with problems\n`);
process.exitCode = failed === 0 ? 0 : 1;
