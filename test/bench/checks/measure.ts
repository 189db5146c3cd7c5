/** One product under one load: how much of the processor it takes, and how late it is. */
import { existsSync, readFileSync } from "node:fs";
import { capture } from "./capture.ts";
import { type Checker, type Product, startChecker } from "./checker.ts";
import { intervalLateness, type Lateness } from "./lateness.ts";
import { BEAT_PORT, BEATS_TO, FAR, PEER } from "./peer-network.ts";
import { readUsage } from "./process-usage.ts";
import { addressNumber, HEARTBEAT_MS, INTERVAL_MS, type Load, SERVER_PORT } from "./servers.ts";

/** How long a product may take until every server is in work; what is missing then is told. */
const START_LIMIT_MS = 25_000;
const POLL_INTERVAL_MS = 1_000;
/** After that every server has been checked some times, and the code that is hot is compiled. */
const WARM_UP_MS = 5_000;
const CPU_WINDOW_MS = 10_000;
const LATENESS_WINDOW_MS = 5_000;
/** In the short form windows last this part. */
const SHORT_PART = 0.4;
/** About as long as all of it may take, with the start of the processes and their end. */
export const MEASURE_LIMIT_MS = START_LIMIT_MS + WARM_UP_MS + CPU_WINDOW_MS + LATENESS_WINDOW_MS + 10_000;

export interface Measured {
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
  /** A beat of a program that does nothing else, at the same time, and what that is charged for it. */
  readonly beats: Lateness;
  readonly beatCpuPercent: number;
  /** What was not as it should be. */
  readonly note?: string;
}

/** Connections that processes here have begun (RFC 4022, tcpActiveOpens): the checks, and nothing else in this lab. */
function activeOpens(): number {
  const lines = readFileSync("/proc/net/snmp", "latin1")
    .split("\n")
    .filter((line) => line.startsWith("Tcp:"));
  const [names = [], values = []] = lines.map((line) => line.split(" "));
  return Number(values[names.indexOf("ActiveOpens")]);
}

async function measureCpu(checker: Checker, windowMs: number) {
  const pid = checker.checkerPid();
  const before = { own: readUsage(pid), other: readUsage(checker.otherPid), opens: activeOpens() };
  const beganMs = performance.now();
  await Bun.sleep(windowMs);
  const tookMs = performance.now() - beganMs;
  if (!existsSync(`/proc/${pid}`)) throw new Error("the process that checks ended meanwhile");
  const own = readUsage(pid);
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

/** Waits until all servers are in work, but not for ever. @returns what is missing */
async function settle(checker: Checker, { servers }: Load): Promise<string | undefined> {
  const beganMs = performance.now();
  for (;;) {
    const inWork = await checker.inWork();
    const tookMs = performance.now() - beganMs;
    if (inWork >= servers) return undefined;
    if (tookMs > START_LIMIT_MS) {
      return `${inWork} of ${servers} servers in work after ${(tookMs / 1_000).toFixed(0)} s`;
    }
    await Bun.sleep(POLL_INTERVAL_MS);
  }
}

/** What the product sent to the peer and what the idle program sent, while it was measured. */
async function measureBeats(during: () => Promise<void>) {
  await using beat = Bun.spawn([process.execPath, `${import.meta.dir}/beat.ts`], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  let beatCpuPercent = 0;
  const packets = await capture(FAR, `udp port 5390 or udp port ${BEAT_PORT}`, async () => {
    const [beganMs, before] = [performance.now(), readUsage(beat.pid).cpuMs];
    await during();
    beatCpuPercent = ((readUsage(beat.pid).cpuMs - before) / (performance.now() - beganMs)) * 100;
  });
  beat.kill();
  const to = (...addresses: string[]) => new Set(addresses.map(addressNumber));
  const [peer, nobody] = [to(PEER.public, PEER.private), to(BEATS_TO)];
  return {
    beatCpuPercent,
    heartbeats: intervalLateness(
      packets.filter((packet) => peer.has(packet.to)),
      HEARTBEAT_MS,
    ),
    beats: intervalLateness(
      packets.filter((packet) => nobody.has(packet.to)),
      HEARTBEAT_MS,
    ),
  };
}

/** @throws when the product does not start, or ends. */
export async function measure(product: Product, load: Load, isShort: boolean): Promise<Measured> {
  const part = isShort ? SHORT_PART : 1;
  await using checker = await startChecker(product, load);
  const note = await settle(checker, load);
  await Bun.sleep(WARM_UP_MS * part);
  let cpu: Awaited<ReturnType<typeof measureCpu>> | undefined;
  const { heartbeats, beats, beatCpuPercent } = await measureBeats(async () => {
    cpu = await measureCpu(checker, CPU_WINDOW_MS * part);
  });
  if (cpu === undefined) throw new Error("nothing was measured");
  const syn = `tcp dst port ${SERVER_PORT} and tcp[tcpflags] == tcp-syn`;
  const probes = await capture("lo", syn, () => Bun.sleep(LATENESS_WINDOW_MS * part));
  const late = (await checker.pace())?.late;
  return {
    product,
    ...cpu,
    lateness: intervalLateness(probes, INTERVAL_MS),
    beats,
    beatCpuPercent,
    ...(late === undefined ? {} : { ownP50Ms: late.p50Ms, ownP99Ms: late.p99Ms }),
    ...(product === "tandem" ? { heartbeats } : {}),
    ...(note === undefined ? {} : { note }),
  };
}
