/** `bun test/model/search.ts FAULTS [WINDOW] [PART] [SHARD/SHARDS]`: the search through the real machine, with more faults. */
import { Search, traceText } from "./machine/explore.ts";
import { REAL, STARTS } from "./machine/run.ts";

const [faults = "2", window = "8", part = "0.5"] = process.argv.slice(2);
const beganMs = performance.now();
const search = new Search({
  machine: REAL,
  part: Number(part),
  bounds: { twoOwnersMs: 1_000, noOwnerMs: 5_500 },
  starts: STARTS,
  faults: Number(faults),
  windowSteps: Number(window),
  onFinding: (finding) => process.stdout.write(`${finding.problems.join("; ")}: ${traceText(finding)}\n`),
});
const found = search.run();
const { runs, moments, longestNoneMs, longestTwoMs } = found;
const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
process.stdout.write(
  `${found.findings.length} findings, ${runs} runs, ${moments} moments, ${seconds} s; two owners at most ${longestTwoMs.toFixed(0)} ms, no owner at most ${longestNoneMs.toFixed(0)} ms\n`,
);
