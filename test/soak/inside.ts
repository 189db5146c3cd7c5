/** A soak inside the lab. Arguments: minutes, niceness of the load, and a file for the section. */
import { writeFileSync } from "node:fs";
import { pairConfig } from "../lab/parts/pair-config.ts";
import { PairLab } from "../lab/parts/pair-lab.ts";
import { Watcher, type WatchReport } from "../lab/parts/watcher.ts";
import { GATEWAY, PRIVATE_VIP, PUBLIC_VIP, serverAddress } from "../lab/topology.ts";
import { dateText, machineText } from "../support/machine.ts";
import { startLoad } from "./load.ts";
import { type RouterFigures, routerFigures, type Sample, takeSample } from "./samples.ts";

const INTERVAL_MS = 10;
const DEAD_AFTER_MS = 30;
const SAMPLE_EVERY_MS = 2000;
const PROBE_EVERY_MS = 10;
const LOOK_EVERY_MS = 10;
const TELL_EVERY_SAMPLES = 30;
/** What a heap that is collected now and then may stand above its first value, in MiB. */
const GROWTH_LIMIT = 8;

interface Soak {
  readonly minutes: number;
  readonly niceness: number;
  readonly transitions: number;
  readonly watched: WatchReport;
  readonly routers: readonly { readonly name: string; readonly figures: RouterFigures }[];
}

async function transitionsOf(lab: PairLab): Promise<number> {
  const statuses = await Promise.all(lab.pair.routers.map((router) => router.tandem("failover", "history", "--json")));
  return statuses.reduce((sum, { stdout }) => sum + JSON.parse(stdout).transitions.length, 0);
}

async function soak(minutes: number, niceness: number): Promise<Soak> {
  const neighbours = `neighbours = ["${GATEWAY}", "${serverAddress("web1")}"]`;
  const times = [`interval = "${INTERVAL_MS}ms"`, `dead_after = "${DEAD_AFTER_MS}ms"`];
  await using lab = await PairLab.start(pairConfig({ pair: [neighbours, ...times] }), { servers: 1 });
  await using watcher = await Watcher.start(lab.topology, {
    targets: [{ address: PUBLIC_VIP, port: 7 }],
    echo: true,
    probeEveryMs: PROBE_EVERY_MS,
    vips: [PUBLIC_VIP, PRIVATE_VIP],
    lookEveryMs: LOOK_EVERY_MS,
  });
  using _load = startLoad(niceness);
  const before = await transitionsOf(lab);
  await watcher.begin();
  const samples = lab.pair.routers.map((): Sample[] => []);
  const endMs = performance.now() + minutes * 60_000;
  for (let round = 1; performance.now() < endMs; round++) {
    for (const [index, router] of lab.pair.routers.entries()) samples[index]?.push(await takeSample(router));
    if (round % TELL_EVERY_SAMPLES === 0) {
      process.stdout.write(
        `${Math.round((endMs - performance.now()) / 1000)} s left; ${samples.map(sampleText).join("; ")}\n`,
      );
    }
    await Bun.sleep(SAMPLE_EVERY_MS);
  }
  const watched = await watcher.end();
  const transitions = (await transitionsOf(lab)) - before;
  if (transitions > 0) process.stdout.write(`${lab.pair.logs()}\n`);
  const routers = lab.pair.routers.map(({ name }, index) => ({ name, figures: routerFigures(samples[index] ?? []) }));
  return { minutes, niceness, transitions, watched, routers };
}

function sampleText(samples: readonly Sample[]): string {
  const last = samples.at(-1);
  if (last === undefined) return "";
  const { peer, loop } = last.heartbeats;
  return `hears ${peer.name}: ${last.residentMebibytes.toFixed(1)} MiB, late at most ${loop.maxLateMs.toFixed(1)} ms`;
}

function violations({ transitions, watched, routers }: Soak): string[] {
  const two = Math.max(...Object.values(watched.owners.twoOwnersMs));
  return [
    ...(transitions === 0 ? [] : [`${transitions} transitions`]),
    ...(two === 0 ? [] : [`two owners for ${two.toFixed(1)} ms`]),
    ...routers
      .filter(({ figures }) => figures.residentLast - figures.residentFirst > GROWTH_LIMIT)
      .map(({ name, figures }) => {
        return `${name} grew by ${(figures.residentLast - figures.residentFirst).toFixed(1)} MiB`;
      }),
  ];
}

function section(result: Soak, problems: readonly string[]): string {
  const { watched, minutes, niceness } = result;
  const line = ({ name, figures }: Soak["routers"][number]) =>
    `| ${[
      name,
      String(figures.heard),
      `${figures.lostPercent.toFixed(3)} %`,
      String(figures.wakes),
      ...[figures.lateP50Ms, figures.lateP99Ms, figures.lateMaxMs].map((ms) => `${ms.toFixed(2)} ms`),
      `${figures.residentFirst.toFixed(1)} → ${figures.residentLast.toFixed(1)} MiB`,
      `${figures.mebibytesPerHour.toFixed(2)} MiB`,
    ].join(" | ")} |`;
  return `## Soak: heartbeats every ${INTERVAL_MS} ms under load

Written by \`npm run soak\` on ${dateText()}: ${minutes} minutes on ${machineText()}; \`dead_after\` ${DEAD_AFTER_MS} ms; two busy
loops for each processor, a disk that is written and flushed, a loop that starts programs (niceness ${niceness}).

**${problems.length === 0 ? "Passed" : `Failed: ${problems.join("; ")}`}.** ${result.transitions} transitions; longest gap of a probe every ${PROBE_EVERY_MS} ms:
${watched.gap.longestGapMs.toFixed(1)} ms (its own longest pause: ${watched.gap.longestPauseMs.toFixed(1)} ms), ${watched.gap.lost} of ${watched.gap.sent} lost.

| router | heartbeats heard | lost | wakes of the loop | late, p50 | p99 | most | resident after warm-up → at the end | slope in an hour |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${result.routers.map(line).join("\n")}
`;
}

const [minutes = "60", niceness = "0", file = ""] = process.argv.slice(2);
const result = await soak(Number(minutes), Number(niceness));
const problems = violations(result);
writeFileSync(file, section(result, problems));
process.exit(problems.length === 0 ? 0 : 1);
