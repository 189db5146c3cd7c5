/**
 * `bun test/model/search.ts FAULTS [WINDOW] [PART] [STARTS]`: the search through the real machine, with more faults than a test
 * has time for. WINDOW: the next fault comes at most so many half seconds later, or when all has come to rest. PART: of each
 * delay that it may take, from 0 to below 1. STARTS: the places of those to begin with, `0,2`.
 */
import { Search, traceText } from "./machine/explore.ts";
import { FAULTS } from "./machine/faults.ts";
import { REAL } from "./machine/run.ts";
import { STARTS } from "./machine/starts.ts";

const [faults = "2", window = "8", part = "0.5", starts] = process.argv.slice(2);
const chosen = starts?.split(",").map(Number) ?? [...STARTS.keys()];
const beganMs = performance.now();
const search = new Search({
  machine: REAL,
  part: Number(part),
  bounds: { twoOwnersMs: 1_000, noOwnerMs: 5_500 },
  starts: STARTS.filter((_, index) => chosen.includes(index)),
  faults: FAULTS,
  budget: Number(faults),
  gaps: Array.from({ length: Number(window) + 1 }, (_, steps) => steps),
  onLevel: (level, { runs, moments }, next) =>
    process.stdout.write(`${level} faults: ${runs} runs and ${moments} moments so far, ${next} runs to come\n`),
  onFinding: (finding) => process.stdout.write(`${finding.problems.join("; ")}: ${traceText(finding)}\n`),
});
const found = search.run();
const { runs, moments, longestNoneMs, longestTwoMs } = found;
const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
process.stdout.write(
  `${found.findings.length} findings, ${runs} runs, ${moments} moments, ${seconds} s; two owners at most ${longestTwoMs.toFixed(0)} ms, no owner at most ${longestNoneMs.toFixed(0)} ms\n`,
);
