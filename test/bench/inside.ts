/**
 * The benchmarks' inside of the lab: each operation of a table's life by tandem, beside ipvsadm and keepalived, in one
 * run, each a whole process. Arguments: sizes as SERVICESxSERVERS.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { formatIpvsadm } from "../../src/import/ipvsadm-format.ts";
import { formatTable } from "../../src/import/table-toml.ts";
import { IpvsClient } from "../../src/kernel/ipvs-client.ts";
import type { WantedService } from "../../src/model/ipvs-table.ts";
import { realServerKey } from "../../src/model/real-server.ts";
import { formatServiceKey } from "../../src/model/virtual-service.ts";
import { formatMs, type Job, median, timeProcess } from "./measure.ts";
import { formatKeepalived, makeTable, type TableSize } from "./tables.ts";

const TANDEM = resolve(import.meta.dir, "../../dist/tandem");
const FOLDER = mkdtempSync("/tmp/tandem-bench-");
const CLEAR: Job = { command: ["ipvsadm", "-C"] };
/** Short operations are repeated; the long ones differ little from one time to the next. */
const REPETITIONS_SMALL = 5;
const SMALL_SERVERS = 2_000;
const KEEPALIVED_LIMIT_MS = 120_000;
const POLL_INTERVAL_MS = 10;

interface Files {
  readonly toml: string;
  readonly changedToml: string;
  readonly ipvsadm: string;
  readonly keepalived: string;
}

function writeFiles(table: readonly WantedService[]): Files {
  const put = (name: string, text: string): string => {
    const path = join(FOLDER, name);
    writeFileSync(path, text);
    return path;
  };
  const changed = table.map((entry, index) =>
    index === 0
      ? { ...entry, servers: entry.servers.map((server, at) => (at === 0 ? { ...server, weight: 9 } : server)) }
      : entry,
  );
  return {
    toml: put("table.toml", formatTable(table)),
    changedToml: put("changed.toml", formatTable(changed)),
    ipvsadm: put("table.rules", formatIpvsadm(table)),
    keepalived: put("keepalived.conf", formatKeepalived(table)),
  };
}

/** Milliseconds from the start of keepalived's checker until the kernel has the whole table. */
async function timeKeepalived(config: string, table: readonly WantedService[]): Promise<number> {
  const last = table[table.length - 1];
  if (last === undefined) throw new Error("the table is empty");
  using client = IpvsClient.open();
  const beganMs = performance.now();
  const child = Bun.spawn(
    ["keepalived", "--check", "--dont-fork", "--use-file", config, "--pid", join(FOLDER, "pid")],
    {
      stdio: ["ignore", "ignore", "ignore"],
    },
  );
  try {
    while (client.service(last.service.key)?.servers.length !== last.servers.length) {
      if (performance.now() - beganMs > KEEPALIVED_LIMIT_MS || child.exitCode !== null) return Number.NaN;
      await Bun.sleep(POLL_INTERVAL_MS);
    }
    return performance.now() - beganMs;
  } finally {
    // By SIGTERM it takes its services away first, as long as that takes.
    child.kill("SIGTERM");
    await child.exited;
    timeProcess(CLEAR);
  }
}

function line(name: string, ours: number, theirs: number | undefined, peer: string): void {
  // NaN: the peer did not come to its end.
  const ended = theirs !== undefined && !Number.isNaN(theirs);
  const beside = theirs === undefined ? "" : `${peer} ${ended ? formatMs(theirs) : "did not end"}`;
  const ratio = ended ? `tandem takes ${(ours / theirs).toFixed(2)} of it` : "";
  process.stdout.write(`  ${name.padEnd(34)} ${formatMs(ours).padStart(8)}   ${beside.padEnd(26)} ${ratio}\n`);
}

async function benchmark(size: TableSize): Promise<void> {
  const table = makeTable(size);
  const files = writeFiles(table);
  const repetitions = size.servers <= SMALL_SERVERS ? REPETITIONS_SMALL : size.servers <= 10 * SMALL_SERVERS ? 3 : 1;
  const repeat = (job: Job, before?: Job): number =>
    median(
      Array.from({ length: repetitions }, () => {
        if (before !== undefined) timeProcess(before);
        return timeProcess(job);
      }),
    );
  process.stdout.write(`\n${size.services} services, ${size.servers} servers (median of ${repetitions})\n`);
  const key = formatServiceKey(table[0]?.service.key ?? { kind: "fwmark", mark: 1, family: "inet" });
  const first = table[0]?.servers[0];
  const server = first === undefined ? "" : realServerKey(first);
  const address = key.replace("tcp://", "");

  const keepalived = await timeKeepalived(files.keepalived, table);
  const ipvsadmLoad = repeat({ command: ["ipvsadm", "-R"], input: files.ipvsadm }, CLEAR);
  const load = repeat({ command: [TANDEM, "service", "restore", files.toml] }, CLEAR);
  line("load, TOML", load, ipvsadmLoad, "ipvsadm -R");
  line("load, TOML", load, keepalived, "keepalived");
  const loadRules = repeat({ command: [TANDEM, "service", "restore", files.ipvsadm] }, CLEAR);
  line("load, ipvsadm's lines", loadRules, ipvsadmLoad, "ipvsadm -R");
  line(
    "list",
    repeat({ command: [TANDEM, "service", "list"] }),
    repeat({ command: ["ipvsadm", "-Ln"] }),
    "ipvsadm -Ln",
  );
  line("list as JSON", repeat({ command: [TANDEM, "service", "list", "--json"] }), undefined, "");
  const ipvsadmSave = repeat({ command: ["ipvsadm", "-Sn"] });
  line("save, TOML", repeat({ command: [TANDEM, "service", "save"] }), ipvsadmSave, "ipvsadm -Sn");
  line(
    "save, ipvsadm's lines",
    repeat({ command: [TANDEM, "service", "save", "--format", "ipvsadm"] }),
    ipvsadmSave,
    "ipvsadm -Sn",
  );
  line(
    "change one weight",
    repeat(
      { command: [TANDEM, "real", "edit", key, server, "--weight", "8"] },
      {
        command: [TANDEM, "real", "edit", key, server, "--weight", "7"],
      },
    ),
    repeat({ command: ["ipvsadm", "-e", "-t", address, "-r", server, "-m", "-w", "5"] }),
    "ipvsadm -e",
  );
  line(
    "restore, one weight differs",
    repeat(
      { command: [TANDEM, "service", "restore", files.changedToml] },
      {
        command: [TANDEM, "real", "edit", key, server, "--weight", "7"],
      },
    ),
    undefined,
    "",
  );
  const ipvsadmFlush = repeat(CLEAR, { command: [TANDEM, "service", "restore", files.toml] });
  line(
    "flush",
    repeat({ command: [TANDEM, "service", "flush"] }, { command: [TANDEM, "service", "restore", files.toml] }),
    ipvsadmFlush,
    "ipvsadm -C",
  );
}

for (const word of process.argv.slice(2)) {
  const match = /^(\d+)x(\d+)$/.exec(word);
  if (match === null) throw new Error(`not SERVICESxSERVERS: ${word}`);
  await benchmark({ services: Number(match[1]), servers: Number(match[2]) });
}
