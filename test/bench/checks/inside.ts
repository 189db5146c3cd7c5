/**
 * The inside of `npm run bench:checks`: both products check the same servers at the same rates, one after the other, in
 * one lab. Arguments: `tcp:500`, `http:2000` …
 */
import { existsSync, readFileSync } from "node:fs";
import { capture } from "./capture.ts";
import { type Checker, PRODUCTS, type Product, startChecker, waitFor } from "./checker.ts";
import { intervalLateness, type Lateness } from "./lateness.ts";
import { FAR, makeNetwork } from "./peer-network.ts";
import { readUsage } from "./process-usage.ts";
import { CHECK_KINDS, INTERVAL_MS, type Load, SERVER_PORT } from "./servers.ts";

/** After the table is complete: every server has been checked some times, and the code that is hot is compiled. */
const WARM_UP_MS = 5_000;
const CPU_WINDOW_MS = 10_000;
const LATENESS_WINDOW_MS = 5_000;
/** The default of `[pair] interval`. */
const HEARTBEAT_MS = 200;

interface Measured {
  readonly product: Product;
  readonly checksPerSecond: number;
  readonly cpuPercent: number;
  readonly cpuPerCheckUs: number;
  readonly otherCpuPercent: number;
  readonly residentMiB: number;
  readonly lateness: Lateness;
  /** By its own account, against its schedule. */
  readonly ownP50Ms?: number;
  readonly ownP99Ms?: number;
  readonly heartbeats?: Lateness;
}

/** Connections that processes here have begun (RFC 4022, tcpActiveOpens): the checks, and nothing else in this lab. */
function activeOpens(): number {
  const lines = readFileSync("/proc/net/snmp", "latin1")
    .split("\n")
    .filter((line) => line.startsWith("Tcp:"));
  const [names = [], values = []] = lines.map((line) => line.split(" "));
  return Number(values[names.indexOf("ActiveOpens")]);
}

async function measureCpu(checker: Checker, seconds: number) {
  const before = { own: readUsage(checker.checkerPid), other: readUsage(checker.otherPid), opens: activeOpens() };
  const beganMs = performance.now();
  await Bun.sleep(seconds);
  const tookMs = performance.now() - beganMs;
  const own = readUsage(checker.checkerPid);
  const cpuMs = own.cpuMs - before.own.cpuMs;
  const checks = activeOpens() - before.opens;
  return {
    checksPerSecond: (checks / tookMs) * 1_000,
    cpuPercent: (cpuMs / tookMs) * 100,
    cpuPerCheckUs: (cpuMs / checks) * 1_000,
    otherCpuPercent: ((readUsage(checker.otherPid).cpuMs - before.other.cpuMs) / tookMs) * 100,
    residentMiB: own.residentMiB,
  };
}

async function measure(product: Product, load: Load): Promise<Measured> {
  await using checker = await startChecker(product, load);
  await waitFor("every server in work", async () => ((await checker.isReady(load.servers)) ? true : undefined));
  await Bun.sleep(WARM_UP_MS);
  let cpu: Awaited<ReturnType<typeof measureCpu>> | undefined;
  const window = async () => {
    cpu = await measureCpu(checker, CPU_WINDOW_MS);
  };
  const heard = await capture(FAR, "udp port 5390", window);
  const heartbeats = product === "tandem" ? intervalLateness(heard, HEARTBEAT_MS) : undefined;
  if (cpu === undefined) throw new Error("nothing was measured");
  const syn = `tcp dst port ${SERVER_PORT} and tcp[tcpflags] == tcp-syn`;
  const probes = await capture("lo", syn, () => Bun.sleep(LATENESS_WINDOW_MS));
  const late = (await checker.pace())?.late;
  return {
    product,
    ...cpu,
    lateness: intervalLateness(probes, INTERVAL_MS),
    ...(late === undefined ? {} : { ownP50Ms: late.p50Ms, ownP99Ms: late.p99Ms }),
    ...(heartbeats === undefined ? {} : { heartbeats }),
  };
}

function ms(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(value < 10 ? 1 : 0);
}

function row(load: Load, measured: Measured, peer: Measured | undefined): string {
  const { lateness, heartbeats } = measured;
  const ratio = peer === undefined ? "" : (measured.cpuPerCheckUs / peer.cpuPerCheckUs).toFixed(2);
  const cells = [
    `${load.kind} ${load.servers}/s`,
    measured.product,
    measured.checksPerSecond.toFixed(0),
    `${measured.cpuPercent.toFixed(1)} %`,
    `${measured.cpuPerCheckUs.toFixed(0)} µs`,
    ratio,
    [lateness.p50Ms, lateness.p99Ms, lateness.maxMs].map(ms).join(" / "),
    measured.ownP99Ms === undefined ? "" : `${ms(measured.ownP50Ms)} / ${ms(measured.ownP99Ms)}`,
    heartbeats === undefined ? "" : `${ms(heartbeats.p99Ms)} / ${ms(heartbeats.maxMs)}`,
    `${measured.residentMiB.toFixed(0)} MiB`,
    measured.product === "tandem" ? `${measured.otherCpuPercent.toFixed(1)} %` : "",
  ];
  return `| ${cells.join(" | ")} |`;
}

const HEAD = [
  "| load | product | checks/s | CPU of the checker | per check | of keepalived's | later than an interval, p50 / p99 / max (ms)" +
    " | late by its own account, p50 / p99 (ms) | heartbeats late, p99 / max (ms) | memory | CPU of the router |",
  `|${" --- |".repeat(11)}`,
];

function readLoad(word: string): Load {
  const [kindText, servers] = word.split(":");
  const kind = CHECK_KINDS.find((name) => name === kindText);
  if (kind === undefined || !/^\d{1,4}$/.test(servers ?? "")) throw new Error(`not KIND:RATE: ${word}`);
  return { kind, servers: Number(servers) };
}

// keepalived's checker ends where there is no IPVS; tandem's goes on checking.
const products = existsSync("/proc/net/ip_vs") ? PRODUCTS : (["tandem"] as const);
makeNetwork();
const server = Bun.spawn([process.execPath, `${import.meta.dir}/server.ts`], {
  stdio: ["ignore", "ignore", "inherit"],
});
process.stdout.write(`${HEAD.join("\n")}\n`);
for (const load of process.argv.slice(2).map(readLoad)) {
  let peer: Measured | undefined;
  for (const product of products) {
    try {
      const measured = await measure(product, load);
      process.stdout.write(`${row(load, measured, peer)}\n`);
      peer = measured;
    } catch (error) {
      process.stdout.write(`| ${load.kind} ${load.servers}/s | ${product} | ${error} |\n`);
    }
  }
}
server.kill();
process.exit(0);
