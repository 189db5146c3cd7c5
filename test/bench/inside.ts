/**
 * The benchmarks' inside of the lab: each operation of a table's life by tandem, beside ipvsadm and keepalived, in one
 * run, each a whole process, the programs taking turns. Arguments: sizes as SERVICESxSERVERS. Prints Markdown.
 */
import { mkdtempSync, openSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { formatIpvsadm } from "../../src/import/ipvsadm/ipvsadm-format.ts";
import { formatTable } from "../../src/import/table/table-toml.ts";
import { IpvsClient } from "../../src/kernel/ipvs/ipvs-client.ts";
import type { WantedService } from "../../src/model/ipvs-table.ts";
import { realServerKey } from "../../src/model/real-server.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { filesOf, inFreshNamespace, warm } from "./fresh-namespace.ts";
import { median, row, Sample, timeProcess } from "./measure.ts";
import { formatKeepalived, makeTable, type TableSize } from "./tables.ts";

const TANDEM = resolve(import.meta.dir, "../../dist/tandem");
const FOLDER = mkdtempSync("/tmp/tandem-bench-");
const KEEPALIVED_LIMIT_MS = 120_000;
const POLL_INTERVAL_MS = 10;
/** Long operations differ little from one time to the next. */
const REPETITIONS = 5;
const REPETITIONS_LARGE = 2;
const LARGE_SERVERS = 20_000;
const GROWTH_ROUNDS = 5;
const MICROSECONDS = 1_000;

interface Bench {
  readonly size: TableSize;
  readonly table: readonly WantedService[];
  readonly repetitions: number;
  readonly toml: string;
  readonly changedToml: string;
  readonly rules: string;
  readonly keepalived: string;
  /** The first service and its first server. */
  readonly key: string;
  readonly server: string;
}

function prepare(size: TableSize): Bench {
  const table = makeTable(size);
  const put = (name: string, text: string): string => {
    const path = join(FOLDER, `${size.services}-${name}`);
    writeFileSync(path, text);
    return path;
  };
  const changed = table.map((entry, index) =>
    index === 0
      ? { ...entry, servers: entry.servers.map((server, at) => (at === 0 ? { ...server, weight: 9 } : server)) }
      : entry,
  );
  const [first] = table;
  const [server] = first?.servers ?? [];
  if (first === undefined || server === undefined) throw new Error("the table is empty");
  return {
    size,
    table,
    repetitions: size.servers >= LARGE_SERVERS ? REPETITIONS_LARGE : REPETITIONS,
    toml: put("table.toml", formatTable(table)),
    changedToml: put("changed.toml", formatTable(changed)),
    rules: put("table.rules", formatIpvsadm(table)),
    keepalived: put("keepalived.conf", formatKeepalived(table)),
    key: formatServiceKey(first.service.key),
    server: realServerKey(server),
  };
}

/** Milliseconds from the start of keepalived's checker until the kernel has the whole table; NaN when it doesn't come. */
async function timeKeepalived({ keepalived, table }: Bench): Promise<number> {
  const last = table[table.length - 1];
  if (last === undefined) throw new Error("the table is empty");
  using client = IpvsClient.open();
  const beganMs = performance.now();
  const child = Bun.spawn(
    ["keepalived", "--check", "--dont-fork", "--use-file", keepalived, "--pid", join(FOLDER, "pid")],
    { stdio: ["ignore", "ignore", "ignore"] },
  );
  try {
    while (client.service(last.service.key)?.servers.length !== last.servers.length) {
      if (performance.now() - beganMs > KEEPALIVED_LIMIT_MS || child.exitCode !== null) return Number.NaN;
      await Bun.sleep(POLL_INTERVAL_MS);
    }
    return performance.now() - beganMs;
  } finally {
    // By SIGTERM it takes its services away first, as long as that takes.
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** Times several programs in turns, each as often as the others. */
async function inTurns(
  repetitions: number,
  ...jobs: readonly (() => number | Promise<number>)[]
): Promise<readonly Sample[]> {
  const samples = jobs.map(() => new Sample());
  for (let turn = 0; turn < repetitions; turn += 1) {
    for (const [index, job] of jobs.entries()) {
      const ms = await job();
      if (!Number.isNaN(ms)) samples[index]?.add(ms);
    }
  }
  return samples;
}

function print(operation: string, ours: Sample | undefined, peer: string, theirs: Sample | undefined): void {
  const shares = theirs === undefined ? [] : (ours?.sharesOf(theirs) ?? []);
  const speed = (share: number): string => (1 / share).toFixed(1);
  const share = median(shares);
  const range = `${speed(Math.max(...shares))} to ${speed(Math.min(...shares))}`;
  const words = shares.length === 0 ? "" : `${share.toFixed(2)}, ${speed(share)} (${range}) times as fast`;
  process.stdout.write(row(operation, ours?.text ?? "", peer, theirs?.text ?? "", words));
}

/** Loads into an empty table, each time a new one. */
async function benchLoads(bench: Bench): Promise<void> {
  const { toml, rules, repetitions } = bench;
  const restore = (file: string) => () =>
    inFreshNamespace(() => timeProcess({ command: [TANDEM, "service", "restore", file] }));
  const [text, lines, ipvsadm, keepalived] = await inTurns(
    repetitions,
    restore(toml),
    restore(rules),
    () => inFreshNamespace(() => timeProcess({ command: ["ipvsadm", "-R"], input: rules })),
    () => inFreshNamespace(() => timeKeepalived(bench)),
  );
  print("load, TOML", text, "`ipvsadm -R`", ipvsadm);
  print("load, ipvsadm's lines", lines, "`ipvsadm -R`", ipvsadm);
  print("load, TOML", text, "keepalived's start", keepalived);
}

/** Reads the table that is there and changes a little of it. */
async function benchReads({ repetitions, changedToml, toml, key, server }: Bench): Promise<void> {
  const run =
    (...command: readonly string[]) =>
    () =>
      timeProcess({ command });
  const tandem = (...words: readonly string[]) => run(TANDEM, ...words);
  const address = key.replace("tcp://", "");
  timeProcess({ command: [TANDEM, "service", "restore", toml] });
  const [list, theirList] = await inTurns(repetitions, tandem("service", "list"), run("ipvsadm", "-Ln"));
  print("list", list, "`ipvsadm -Ln`", theirList);
  const [saveToml, saveLines, theirSave] = await inTurns(
    repetitions,
    tandem("service", "save"),
    tandem("service", "save", "--format", "ipvsadm"),
    run("ipvsadm", "-Sn"),
  );
  print("save, TOML", saveToml, "`ipvsadm -Sn`", theirSave);
  print("save, ipvsadm's lines", saveLines, "`ipvsadm -Sn`", theirSave);
  const setWeight = run("ipvsadm", "-e", "-t", address, "-r", server, "-m", "-w", "5");
  const [edit, theirEdit] = await inTurns(repetitions, tandem("real", "edit", key, server, "--weight", "8"), setWeight);
  print("change one weight", edit, "`ipvsadm -e`", theirEdit);
  const [change] = await inTurns(repetitions, () => {
    setWeight();
    return timeProcess({ command: [TANDEM, "service", "restore", changedToml] });
  });
  print("restore, one weight differs", change, "", undefined);
}

async function benchFlush({ repetitions, toml }: Bench): Promise<void> {
  const flush =
    (...command: readonly string[]) =>
    () =>
      inFreshNamespace(() => {
        timeProcess({ command: [TANDEM, "service", "restore", toml] });
        return timeProcess({ command });
      });
  const [ours, theirs] = await inTurns(repetitions, flush(TANDEM, "service", "flush"), flush("ipvsadm", "-C"));
  print("flush", ours, "`ipvsadm -C`", theirs);
}

async function benchmark(bench: Bench): Promise<void> {
  const { size, repetitions } = bench;
  process.stdout.write(`\n### ${size.services} services, ${size.servers} real servers\n\n`);
  process.stdout.write(`Median (least to most) of ${repetitions} whole processes each.\n\n`);
  process.stdout.write(row("operation", "tandem", "beside", "it takes", "tandem takes of that, turn by turn"));
  process.stdout.write(row("---", "--:", "---", "--:", "--:"));
  await benchLoads(bench);
  await inFreshNamespace(() => benchReads(bench));
  await benchFlush(bench);
}

/** What one size takes: whole processes, and for each server what is above the start of a process. */
class Growth {
  readonly size: TableSize;
  readonly #toml: string;
  readonly load = new Sample();
  readonly list = new Sample();
  readonly loadEach = new Sample();
  readonly listEach = new Sample();

  constructor({ size, toml }: Bench) {
    this.size = size;
    this.#toml = toml;
  }

  /** One load and one list, right after a list of nothing, which is the start. */
  measure(): void {
    const startMs = timeProcess({ command: [TANDEM, "service", "list"] });
    const loadMs = timeProcess({ command: [TANDEM, "service", "restore", this.#toml] });
    const listMs = timeProcess({ command: [TANDEM, "service", "list"] });
    this.load.add(loadMs);
    this.list.add(listMs);
    this.loadEach.add((loadMs - startMs) / this.size.servers);
    this.listEach.add((listMs - startMs) / this.size.servers);
  }
}

function formatEach(sample: Sample): string {
  return `${Math.round(sample.medianMs * MICROSECONDS)} µs`;
}

/** All sizes right after each other, round by round: the machine's speed changes from one minute to the next. */
async function benchGrowth(benches: readonly Bench[]): Promise<void> {
  const growth = benches.map((bench) => new Growth(bench));
  for (let round = 0; round < GROWTH_ROUNDS; round += 1) {
    for (const size of growth) await inFreshNamespace(() => size.measure());
  }
  process.stdout.write("\n### Growth\n\n");
  process.stdout.write(
    `Medians of ${GROWTH_ROUNDS} rounds, in each of them all sizes right after each other. For each server: what is above the list of\nan empty table a moment before.\n\n`,
  );
  process.stdout.write(row("services", "real servers", "load", "for each server", "list", "for each server"));
  process.stdout.write(row("--:", "--:", "--:", "--:", "--:", "--:"));
  for (const { size, load, list, loadEach, listEach } of growth) {
    const counts = [String(size.services), String(size.servers)];
    process.stdout.write(row(...counts, load.text, formatEach(loadEach), list.text, formatEach(listEach)));
  }
}

function sizeOf(word: string): TableSize {
  const match = /^(\d+)x(\d+)$/.exec(word);
  if (match === null) throw new Error(`not SERVICESxSERVERS: ${word}`);
  return { services: Number(match[1]), servers: Number(match[2]) };
}

// The lab's root is the host's file system, which keeps no pages of a file that nobody has open: held open, programs
// start as on any machine that has run them before.
for (const path of [TANDEM, "ipvsadm", "keepalived"].flatMap(filesOf)) {
  openSync(path, "r");
  warm(path);
}
const benches = process.argv.slice(2).map((word) => prepare(sizeOf(word)));
for (const bench of benches) await benchmark(bench);
await benchGrowth(benches);
