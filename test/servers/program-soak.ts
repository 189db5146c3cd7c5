/** `bun test/servers/program-soak.ts [RUNS]`: programs of checks that do what they should not, 10,000 times unless told otherwise. */
import { programStorm } from "../support/program-storm.ts";

const runs = Number(process.argv[2] ?? "10000");
const beganMs = performance.now();
const report = await programStorm(runs);
const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
const mebibytes = (report.residentGrownBytes / 1024 / 1024).toFixed(1);
process.stdout.write(
  `| runs | took | processes left | wrong outcomes | descriptors grown | memory grown |
| ---: | ---: | ---: | ---: | ---: | ---: |
| ${report.runs} | ${seconds} s | ${report.left.length} | ${report.wrongOutcomes.length} | ${report.descriptorsGrown} | ${mebibytes} MiB |
`,
);
for (const line of [...report.left, ...report.wrongOutcomes]) process.stderr.write(`${line}\n`);
process.exit(report.left.length + report.wrongOutcomes.length === 0 ? 0 : 1);
