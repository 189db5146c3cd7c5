/**
 * The program beside ipvsadm 1.31, both ways: what one sets the other prints. ipvsadm orders what it prints, so that two
 * tables are the same when its texts are.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { formatIpvsadm } from "../../src/import/ipvsadm/ipvsadm-format.ts";
import { formatEndpoint } from "../../src/model/address.ts";
import type { WantedService } from "../../src/model/ipvs-table.ts";
import type { RealServer } from "../../src/model/real-server.ts";
import { SCHEDULERS } from "../../src/model/scheduler.ts";
import { formatSchedulerFlag } from "../../src/model/scheduler-flag.ts";
import { formatServiceKey, type VirtualService } from "../../src/model/virtual-service.ts";
import { requireLab, run } from "../support/lab.ts";
import { anyTable } from "../support/table-arbitrary.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/tandem");
const FOLDER = mkdtempSync("/tmp/tandem-conformance-");
const SAVED = join(FOLDER, "table.toml");
const LIST = join(FOLDER, "list");

beforeAll(requireLab);
beforeEach(() => {
  run("ipvsadm", "-C");
});
afterAll(() => {
  run("ipvsadm", "-C");
});

/** What a command that must succeed prints. */
function tandem(...words: readonly string[]): { stdout: string; stderr: string } {
  const { stdout, stderr, exitCode } = Bun.spawnSync([PROGRAM, ...words], { env: { PATH: "/usr/sbin:/usr/bin" } });
  const [out, errors] = [stdout.toString(), stderr.toString()];
  expect({ words, errors: exitCode === 0 ? "" : errors, exitCode }).toEqual({ words, errors: "", exitCode: 0 });
  return { stdout: out, stderr: errors };
}

function restoreByIpvsadm(text: string): void {
  const { stderr, exitCode } = Bun.spawnSync(["ipvsadm", "-R"], { stdin: Buffer.from(text) });
  expect({ text, stderr: stderr.toString(), exitCode }).toEqual({ text, stderr: "", exitCode: 0 });
}

/** Everything that ipvsadm shows of the table; thresholds are in one of its listings only, and in no saved text. */
function shown(): string[] {
  return [run("ipvsadm", "-Sn"), run("ipvsadm", "-Ln"), run("ipvsadm", "-Ln", "--thresholds")];
}

/** Saves, empties and restores the table: ipvsadm must then show the same, and nothing be left to change. */
function expectSameAfterRestore(): void {
  const before = [...shown(), run("ipvsadm", "-Ln", "--nosort")];
  tandem("service", "save", SAVED);
  tandem("service", "flush");
  expect(run("ipvsadm", "-Sn")).toBe("");
  tandem("service", "restore", SAVED);
  // Without sorting: the order of servers decides which client gets which with sh and dh.
  expect([...shown(), run("ipvsadm", "-Ln", "--nosort")]).toEqual(before);
  expect(tandem("service", "restore", SAVED, "--dry-run").stderr).toBe("nothing would change\n");
}

interface Case {
  /** What is typed after `tandem`. */
  readonly typed: readonly string[];
  /** What `ipvsadm -Sn` prints then. */
  readonly saved: readonly string[];
  /** What makes ipvsadm set the same, where it loses something in -S. */
  readonly given?: readonly string[];
}

let portsTaken = 8_000;

/** A service of its own for each case, so that all of them are in one table: programs start slowly in the lab. */
function ownPort(): number {
  portsTaken += 1;
  return portsTaken;
}

/** The service of all cases about a server; each has an address of its own. */
const POOL = { ours: "tcp://203.0.113.10:7000", theirs: "-t 203.0.113.10:7000" };
let hostsTaken = 10;

function server(flags: string, saved: string, given?: string): Case {
  hostsTaken += 1;
  const host = `10.0.0.${hostsTaken}`;
  const line = (options: string) => `-a ${POOL.theirs} -r ${host}:7000 ${options}`;
  return {
    typed: [`real add ${POOL.ours} ${host} ${flags}`],
    saved: [line(saved)],
    ...(given === undefined ? {} : { given: [line(given)] }),
  };
}

/** @param key the service in our words and in ipvsadm's */
function service(flags: string, saved: string, key: readonly [string, string] = ownTcp()): Case {
  const [ours, theirs] = key;
  return { typed: [`service add ${ours} ${flags}`.trim()], saved: [`-A ${theirs} ${saved}`] };
}

function ownTcp(): readonly [string, string] {
  const port = ownPort();
  return [`tcp://203.0.113.10:${port}`, `-t 203.0.113.10:${port}`];
}

const CASES: readonly Case[] = [
  service("", "-s wlc", ["tcp://[2001:db8::10]:443", "-t [2001:db8::10]:443"]),
  service("--scheduler rr", "-s rr", ["udp://203.0.113.10:53", "-u 203.0.113.10:53"]),
  service("--scheduler rr", "-s rr", ["sctp://203.0.113.10:3868", "--sctp-service 203.0.113.10:3868"]),
  service("", "-s wlc", ["sctp://[2001:db8::10]:3868", "--sctp-service [2001:db8::10]:3868"]),
  service("--scheduler lc", "-s lc", ["fwmark:7", "-f 7"]),
  service("--scheduler lc", "-s lc", ["fwmark:7/inet6", "-f 7 -6"]),
  service("--persistence 60s", "-s wlc -p 60", ["tcp://203.0.113.10:0", "-t 203.0.113.10:0"]),
  service("--one-packet", "-s wlc -o", ["udp://203.0.113.10:54", "-u 203.0.113.10:54"]),
  service("--persistence 5m", "-s wlc -p 300"),
  service("--persistence 5m --persistence-prefix 24", "-s wlc -p 300 -M 255.255.255.0"),
  service("--persistence 5m --persistence-netmask 255.255.240.0", "-s wlc -p 300 -M 255.255.240.0"),
  service("--persistence 5m --persistence-netmask 255.0.255.0", "-s wlc -p 300 -M 255.0.255.0"),
  service("--persistence 90s --persistence-prefix 64", "-s wlc -p 90 -M 64", [
    "tcp://[2001:db8::10]:444",
    "-t [2001:db8::10]:444",
  ]),
  service("--persistence 60s --persistence-engine sip", "-s wlc -p 60 --pe sip", [
    "udp://203.0.113.10:5060",
    "-u 203.0.113.10:5060",
  ]),
  service("--scheduler sh --scheduler-flag sh-port", "-s sh -b sh-port"),
  service("--scheduler sh --scheduler-flag sh-fallback", "-s sh -b sh-fallback"),
  service("--scheduler sh --scheduler-flag sh-port --scheduler-flag sh-fallback", "-s sh -b sh-fallback,sh-port"),
  service("--scheduler mh --scheduler-flag mh-port", "-s mh -b mh-port"),
  service("--scheduler mh --scheduler-flag mh-fallback", "-s mh -b mh-fallback"),
  service("--scheduler mh --scheduler-flag mh-port --scheduler-flag mh-fallback", "-s mh -b mh-fallback,mh-port"),
  service("--scheduler rr --scheduler-flag flag-3", "-s rr -b flag-3"),
  service("", "-s wlc", [POOL.ours, POOL.theirs]),
  server("--forward nat --weight 5", "-m -w 5"),
  server("--weight 0", "-m -w 0"),
  server("--weight 2147483647", "-m -w 2147483647"),
  server("--forward direct", "-g -w 1"),
  server("--forward tunnel", "-i -w 1 --tun-type ipip"),
  server("--forward tunnel --tunnel-type gre", "-i -w 1 --tun-type gre --tun-nocsum"),
  server("--forward tunnel --tunnel-type gre --tunnel-checksum full", "-i -w 1 --tun-type gre --tun-csum"),
  server(
    "--forward tunnel --tunnel-type gue --tunnel-port 6080",
    "-i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum",
  ),
  server(
    "--forward tunnel --tunnel-type gue --tunnel-port 6080 --tunnel-checksum full",
    "-i -w 1 --tun-type gue --tun-port 6080 --tun-csum",
  ),
  server(
    "--forward tunnel --tunnel-type gue --tunnel-port 6080 --tunnel-checksum remote",
    "-i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
  ),
  // ipvsadm -S leaves thresholds out, so that its own -R loses them.
  server("--upper-threshold 900 --lower-threshold 400", "-m -w 1", "-m -w 1 -x 900 -y 400"),
  server("--upper-threshold 900", "-m -w 1", "-m -w 1 -x 900"),
  {
    typed: ["service add tcp://203.0.113.11:80", "real add tcp://203.0.113.11:80 10.0.0.11:8080"],
    saved: ["-A -t 203.0.113.11:80 -s wlc", "-a -t 203.0.113.11:80 -r 10.0.0.11:8080 -m -w 1"],
  },
  {
    typed: ["service add tcp://203.0.113.12:80", "real add tcp://203.0.113.12:80 [2001:db8::11]:80 --forward tunnel"],
    saved: ["-A -t 203.0.113.12:80 -s wlc", "-a -t 203.0.113.12:80 -r [2001:db8::11]:80 -i -w 1 --tun-type ipip"],
  },
  {
    typed: [
      "service add fwmark:9 --scheduler sh",
      "real add fwmark:9 10.0.0.12 --forward direct",
      "real add fwmark:9 10.0.0.11 --forward direct",
      "real add fwmark:9 10.0.0.13 --forward direct",
    ],
    saved: ["-A -f 9 -s sh", ...[12, 11, 13].map((host) => `-a -f 9 -r 10.0.0.${host}:0 -g -w 1`)],
  },
];

const sorted = (lines: readonly string[]): string[] => lines.toSorted();

/** Some sixty programs, each a second or more on a busy machine. */
const EACH_OPTION_LIMIT_MS = 300_000;

test(
  "each option alone: what tandem sets ipvsadm prints, what ipvsadm sets tandem saves",
  () => {
    for (const line of CASES.flatMap(({ typed }) => typed)) tandem(...line.split(" "));
    const byTandem = shown();
    expect(sorted(byTandem[0]?.trimEnd().split("\n") ?? [])).toEqual(sorted(CASES.flatMap(({ saved }) => saved)));
    run("ipvsadm", "-C");
    const given = CASES.flatMap((entry) => entry.given ?? entry.saved);
    restoreByIpvsadm(given.map((line) => `${line}\n`).join(""));
    expect(shown()).toEqual(byTandem);
    // Ours writes what ipvsadm -S leaves out as well.
    const ours = tandem("service", "save", "--format", "ipvsadm").stdout.trimEnd().split("\n");
    expect(sorted(ours)).toEqual(sorted(given));
    expect(ours.filter((line) => line.startsWith("-a -f 9"))).toEqual(CASES.at(-1)?.saved.slice(1) ?? []);
    expectSameAfterRestore();
  },
  EACH_OPTION_LIMIT_MS,
);

test.each(SCHEDULERS)("the scheduler %s, or the kernel's lack of it by name", (scheduler) => {
  const words = ["service", "add", "fwmark:1", "--scheduler", scheduler];
  const isThere = Bun.spawnSync(["modprobe", `ip_vs_${scheduler}`], { stderr: "ignore" }).exitCode === 0;
  if (isThere) {
    tandem(...words);
    expect(run("ipvsadm", "-Sn")).toBe(`-A -f 1 -s ${scheduler}\n`);
    return;
  }
  const { stderr, exitCode } = Bun.spawnSync([PROGRAM, ...words]);
  expect({ stderr: stderr.toString().split("\n")[0], exitCode }).toEqual({
    stderr: `tandem: cannot add virtual service fwmark:1: the kernel has no scheduler ${scheduler} (ENOENT)`,
    exitCode: 4,
  });
});

function serviceWords({ key, scheduler, schedulerFlags, persistence, onePacket }: VirtualService): string {
  const mask = persistence?.irregularMask;
  return [
    `service add ${formatServiceKey(key)} --scheduler ${scheduler}`,
    ...schedulerFlags.map((flag) => `--scheduler-flag ${formatSchedulerFlag(scheduler, flag)}`),
    ...(persistence === undefined ? [] : [`--persistence ${persistence.timeoutSeconds}s`]),
    ...(persistence === undefined || mask !== undefined ? [] : [`--persistence-prefix ${persistence.prefixLength}`]),
    ...(mask === undefined ? [] : [`--persistence-netmask ${mask}`]),
    ...(persistence?.engine === undefined ? [] : [`--persistence-engine ${persistence.engine}`]),
    ...(onePacket ? ["--one-packet"] : []),
  ].join(" ");
}

function serverWords(key: string, { endpoint, forward, weight, tunnel, ...thresholds }: RealServer): string {
  const { upperThreshold, lowerThreshold } = thresholds;
  return [
    `real add ${key} ${formatEndpoint(endpoint)} --forward ${forward} --weight ${weight}`,
    `--upper-threshold ${upperThreshold} --lower-threshold ${lowerThreshold}`,
    ...(tunnel === undefined ? [] : [`--tunnel-type ${tunnel.type} --tunnel-checksum ${tunnel.checksum}`]),
    ...(tunnel?.type === "gue" ? [`--tunnel-port ${tunnel.port}`] : []),
  ].join(" ");
}

/** Without what this kernel has no module for. */
const tables = anyTable.map((services) =>
  services.filter(({ service: { scheduler } }) => !["my-scheduler", "twos"].includes(scheduler)),
);

/** The third flag of sh and mh has no name in ipvsadm, which prints and takes none. */
function withoutThirdFlags(table: readonly WantedService[]): WantedService[] {
  return table.map(({ service: virtual, servers }) => {
    const named = virtual.scheduler === "sh" || virtual.scheduler === "mh";
    const flags = virtual.schedulerFlags.filter((flag) => !(named && flag === "flag-3"));
    return { service: { ...virtual, schedulerFlags: flags }, servers };
  });
}

test("random tables: typed, set by ipvsadm, saved and restored, ipvsadm shows the same", () => {
  fc.assert(
    fc.property(tables.map(withoutThirdFlags), (table) => {
      run("ipvsadm", "-C");
      const lines = table.flatMap(({ service: virtual, servers }) => [
        serviceWords(virtual),
        ...servers.map((each) => serverWords(formatServiceKey(virtual.key), each)),
      ]);
      writeFileSync(LIST, lines.map((line) => `${line}\n`).join(""));
      tandem("service", "apply", LIST);
      const byTandem = shown();
      run("ipvsadm", "-C");
      restoreByIpvsadm(formatIpvsadm(table));
      expect(shown()).toEqual(byTandem);
      expectSameAfterRestore();
    }),
    // Each run starts some fifteen programs: a bound on time, not a promise of so many runs.
    { numRuns: 10, endOnFailure: true, interruptAfterTimeLimit: 20_000 },
  );
});

test("counters that tandem zeroes are zero to ipvsadm", async () => {
  const [vip, real] = ["198.51.100.90", "198.51.100.91"];
  for (const text of [vip, real]) run("ip", "address", "add", `${text}/32`, "dev", "lo");
  try {
    using listener = Bun.listen({ hostname: real, port: 0, socket: { data() {} } });
    run("ipvsadm", "-A", "-t", `${vip}:80`, "-s", "rr");
    run("ipvsadm", "-a", "-t", `${vip}:80`, "-r", `${real}:${listener.port}`, "-m");
    const opened = Promise.withResolvers<void>();
    const client = await Bun.connect({
      hostname: vip,
      port: 80,
      socket: { open: () => opened.resolve(), data() {}, connectError: (_socket, error) => opened.reject(error) },
    });
    await opened.promise;
    const counters = () => /^TCP +\S+ +(.*?) *$/m.exec(run("ipvsadm", "-Ln", "--stats", "--exact"))?.[1];
    // The kernel adds its counters up every two seconds.
    for (let turn = 0; turn < 1_000 && counters()?.startsWith("1 ") !== true; turn += 1);
    expect(counters()).toMatch(/^1 /);
    client.terminate();
    tandem("service", "zero", `tcp://${vip}:80`);
    expect(counters()).toMatch(/^0 /);
  } finally {
    for (const text of [vip, real]) run("ip", "address", "del", `${text}/32`, "dev", "lo");
  }
});
