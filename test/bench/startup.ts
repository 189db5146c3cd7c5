import { resolve } from "node:path";
import { formatMs, type Job, row, Sample, timeProcess } from "./measure.ts";

/** How long short commands take on this machine itself, beside the tools that people know. */

const TANDEM = resolve(import.meta.dir, "../../dist/tandem");
const REPETITIONS = 25;
/** The limit that the project has set itself for a small table. */
const LIMIT_MS = 30;
/** What `tandem` ends with where the kernel has no IPVS; all else of the command has run by then. */
const NO_SUPPORT = 4;

/** The job, with the exit code that it has on this machine; undefined where the program is not there. */
function present(command: readonly string[]): Job | undefined {
  if (Bun.which(command[0] ?? "") === null) return undefined;
  const { exitCode } = Bun.spawnSync([...command], { stdout: "ignore", stderr: "ignore" });
  return { command, exitCode };
}

/** Measures the commands in turns. @returns a Markdown table */
export function startupTable(): string {
  const commands = [
    [TANDEM, "--version"],
    [TANDEM, "vip", "list"],
    ["ip", "addr"],
    [TANDEM, "service", "list"],
    ["ipvsadm", "-Ln"],
  ];
  const jobs = commands.flatMap((command) => present(command) ?? []).map((job) => ({ job, sample: new Sample() }));
  for (let turn = 0; turn < REPETITIONS; turn += 1) {
    for (const { job, sample } of jobs) sample.add(timeProcess(job));
  }
  const rows = jobs.map(({ job, sample }) => {
    const name = [job.command[0] === TANDEM ? "tandem" : job.command[0], ...job.command.slice(1)].join(" ");
    const remark =
      job.exitCode === 0 ? "" : `exit ${job.exitCode}${job.exitCode === NO_SUPPORT ? ": no IPVS here" : ""}`;
    return row(`\`${name}\``, sample.text, remark);
  });
  const head = `### Start to exit on this machine\n\nMedian (least to most) of ${REPETITIONS}; limit: ${formatMs(LIMIT_MS)}.\n\n`;
  return `${head}${row("command", "time", "")}${row("---", "--:", "---")}${rows.join("")}`;
}
