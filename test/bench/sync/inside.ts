/** Inside the lab: a table of connections, told to a standby that has just come. Prints a table in Markdown. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { connectionsOf, fillConnections } from "../../lab/parts/connection-table.ts";
import { pairConfig, serviceText } from "../../lab/parts/pair-config.ts";
import { PairLab } from "../../lab/parts/pair-lab.ts";
import type { RouterProcess } from "../../lab/parts/router-process.ts";
import { PUBLIC_VIP, ROUTERS, serverAddress, Topology } from "../../lab/topology.ts";
import { tell } from "./report.ts";

/** Heartbeats ten times as often as by default, so that a stall of the thread that sends them is seen. */
const PAIR = ['interval = "20ms"', 'dead_after = "3s"', 'lease = "10s"'];
const CONFIG = pairConfig({
  pair: PAIR,
  services: [
    serviceText({
      name: "web",
      listen: "tcp://203.0.113.10:80",
      scheduler: "rr",
      servers: ["web1", "web2"].map((name) => ({ address: `${serverAddress(name)}:80` })),
    }),
  ],
});
const WARM_SHARE = 0.99;
const LEARN_LIMIT_MS = 300_000;
/** The routers are watched for so long while nothing happens. */
const BASELINE_MS = 10_000;
const ASK_EVERY_MS = 1_000;
const TICK_MS = 10;
/** A heartbeat that comes more than one interval late. */
const LATE_MS = 40;
/**
 * Two routers with more than this take the lab's one processor too long: with 100,000 the first reading of the table, in
 * which the lab's kernel has both routers' connections, was not at its end after five minutes (tried).
 */
const PAIR_SIZE_MAX = 20_000;

interface Row {
  readonly entries: number;
  readonly sendMs: number;
  readonly warmMs: number;
  readonly cpuMs: number;
  readonly mainCpuMs: number;
  readonly busy: Gaps;
  readonly idle: Gaps;
  readonly move: string;
}

interface Gaps {
  /** How many were longer than LATE_MS. */
  readonly late: number;
  readonly maxMs: number;
}

/** Processor time of a process, or of its first thread, which sends the heartbeats (proc(5): fields 14 and 15, in ticks). */
function cpuMs(router: RouterProcess, part: "all" | "main"): number {
  const { pid } = router;
  const path = part === "all" ? `/proc/${pid}/stat` : `/proc/${pid}/task/${pid}/stat`;
  const fields = readFileSync(path, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The heartbeats of a router as they come by at the switch, with the kernel's own time stamps. */
class HeartbeatWatch implements AsyncDisposable {
  readonly #program: Subprocess<"ignore", "pipe", "ignore">;
  readonly #atMs: number[] = [];

  constructor(topology: Topology) {
    const [{ name, private: from }] = ROUTERS;
    const filter = `src ${from} and udp port 5390`;
    this.#program = topology.on("switch", () =>
      Bun.spawn(["tcpdump", "-l", "-n", "-tt", "-i", `${name}-eth1`, ...filter.split(" ")], {
        stdio: ["ignore", "pipe", "ignore"],
      }),
    );
    void this.#collect();
  }

  /** How many have come: the beginning of a time to look at. */
  get count(): number {
    return this.#atMs.length;
  }

  /** The gaps between those that came since then. */
  gaps(from: number): Gaps {
    const gaps = this.#atMs.slice(from).map((atMs, index, all) => atMs - (all[index - 1] ?? atMs));
    return { late: gaps.filter((gap) => gap > LATE_MS).length, maxMs: Math.round(Math.max(0, ...gaps)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill();
    await this.#program.exited;
  }

  async #collect(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of this.#program.stdout) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) this.#atMs.push(Number.parseFloat(text) * 1_000);
    }
  }
}

async function fill(lab: PairLab, count: number): Promise<void> {
  const fromHost = { from: "web3", interface: "eth0", virtual: { address: PUBLIC_VIP, port: 80 } };
  const server = { address: serverAddress("web1"), port: 80 };
  await lab.until(`the active has ${count} connections`, LEARN_LIMIT_MS, async () => {
    await fillConnections(lab.topology, { ...fromHost, server, count });
    const summary = lab.topology.run("lvs1", ["ipvsadm", "-Ln"]);
    return summary.includes(` ${count} `);
  });
}

async function measure(entries: number): Promise<Row> {
  await using lab = await PairLab.prepare(CONFIG);
  const [first, second] = lab.pair.routers;
  first.start();
  await lab.until("lvs1 active", 60_000, async () => (await first.status())?.router.role === "active");
  await fill(lab, entries);
  await using heartbeats = new HeartbeatWatch(lab.topology);
  await lab.until("heartbeats are seen", 10_000, () => heartbeats.count > 0);
  const idleFrom = heartbeats.count;
  await Bun.sleep(BASELINE_MS);
  const idle = heartbeats.gaps(idleFrom);

  second.start();
  await lab.awaitRole("lvs2", "standby", 60_000);
  const [all, main, busyFrom] = [cpuMs(first, "all"), cpuMs(first, "main"), heartbeats.count];
  const beganMs = performance.now();
  let sendMs = 0;
  for (;;) {
    const sync = (await first.status())?.sync;
    sendMs = sync?.lastFullSync?.tookMs ?? sendMs;
    const { wanted, present } = sync ?? {};
    if (wanted && present && wanted >= entries * WARM_SHARE && present >= wanted * WARM_SHARE) break;
    if (performance.now() - beganMs > LEARN_LIMIT_MS) throw new Error(`never warm\n${lab.pair.logs()}`);
    await Bun.sleep(ASK_EVERY_MS);
  }
  const warmMs = performance.now() - beganMs;
  const after = { cpuMs: cpuMs(first, "all") - all, mainCpuMs: cpuMs(first, "main") - main };
  const busy = heartbeats.gaps(busyFrom);
  const switched = await first.tandem("failover", "switch");
  const waited = /before that it waited (\d+) ms/.exec(switched.stdout + switched.stderr)?.[1];
  const taken = /active, (\d+) ms after/.exec(switched.stdout + switched.stderr)?.[1];
  const there = connectionsOf(lab.topology, "lvs2").length;
  const move = switched.exitCode === 0 ? `${waited} ms, then ${taken} ms; ${there} there` : "failed";
  return { entries, sendMs, warmMs, ...after, busy, idle, move };
}

/**
 * The sync thread alone, in a kernel that has one router's table only: the pair of the lab shares one table of
 * connections, which makes each reading several times as long as on a machine of its own.
 */
async function measureTables(sizes: readonly number[]): Promise<void> {
  const rows = [];
  for (const size of sizes) {
    using topology = Topology.create({ servers: 1 });
    const words = ["ipvsadm", "--start-daemon", "backup", "--mcast-interface", "eth1", "--syncid", "1"];
    topology.run("lvs1", words);
    const fromHost = { from: "web1", interface: "eth0", virtual: { address: PUBLIC_VIP, port: 80 } };
    const server = { address: serverAddress("web1"), port: 80 };
    const child = topology.on("lvs1", () =>
      Bun.spawn([process.execPath, join(import.meta.dir, "table.ts"), "eth0", `${size}`], {
        stdio: ["pipe", "pipe", "inherit"],
      }),
    );
    while (connectionsOf(topology, "lvs1").length < size) {
      await fillConnections(topology, { ...fromHost, server, count: size });
    }
    child.stdin.write("filled\n");
    await child.stdin.flush();
    rows.push(await new Response(child.stdout).text());
  }
  const titles = [
    "connections",
    "sent",
    "messages",
    "all read and sent, ms",
    "CPU, ms",
    "keys listed, ms",
    "worst delay of a 10 ms timer of the main thread, ms",
    "the same while idle, ms",
  ];
  tell(`${line(titles)}${line(titles.map(() => "---"))}${rows.join("")}\n`);
}

function line(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |\n`;
}

const HEAD = [
  "connections",
  "read and sent in, ms",
  "known there after, ms",
  "CPU of the router, ms",
  "of its heartbeat thread, ms",
  "heartbeats more than 20 ms late, longest gap",
  "the same in 10 s before",
  "planned move: waited, then",
];

async function measurePairs(sizes: readonly number[]): Promise<void> {
  const gaps = ({ late, maxMs }: Gaps) => `${late}, ${maxMs} ms`;
  tell(line(HEAD) + line(HEAD.map(() => "---")));
  for (const size of sizes) {
    const row = await measure(size);
    const costs = [row.sendMs, Math.round(row.warmMs), row.cpuMs, row.mainCpuMs];
    tell(line([row.entries, ...costs, gaps(row.busy), gaps(row.idle), row.move]));
  }
}

const sizes = process.argv.slice(2).map(Number);
await measureTables(sizes);
await measurePairs(sizes.filter((size) => size <= PAIR_SIZE_MAX));
process.exit(0);
