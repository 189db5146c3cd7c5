/**
 * `heartbeat ping`: hellos to the peer's daemon, which answers each by echoing its nonce. A daemon that runs here has the
 * port; it is asked for the round trips of its own heartbeats.
 */
import { daemonAnswers } from "../../daemon/control/control-client.ts";
import { HeartbeatVisitor } from "../../daemon/network/heartbeat-probe.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { askHeartbeats } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { type Cell, type Column, renderTable } from "../output/table.ts";
import type { heartbeat as spec } from "../spec/heartbeat-spec.ts";

type Verbs = (typeof spec)["verbs"];

const COUNT_DEFAULT = 5;
/** The peer answers one hello in 20 ms for each path (failover/machine/session.ts); this leaves it room. */
const GAP_MS = 200;
/** The daemon is asked this often whether a heartbeat came, and for so many of its intervals at most. */
const LOOK_EVERY_MS = 20;
const LOOK_INTERVALS = 5;

interface PathTimes {
  readonly path: PathName;
  readonly sent: number;
  readonly timesMs: readonly number[];
}

const COLUMNS: readonly Column[] = [
  { header: "PATH" },
  { header: "SENT", align: "right" },
  { header: "ANSWERED", align: "right" },
  { header: "MIN", align: "right" },
  { header: "P50", align: "right" },
  { header: "P99", align: "right" },
  { header: "MAX", align: "right" },
];

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

interface Figures {
  readonly minMs: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

function figures({ timesMs }: PathTimes): Figures | undefined {
  const sorted = timesMs.toSorted((one, other) => one - other);
  const [minMs, maxMs] = [sorted[0], sorted.at(-1)];
  if (minMs === undefined || maxMs === undefined) return undefined;
  // The nearest rank.
  const quantile = (share: number) => rounded(sorted[Math.ceil(share * sorted.length) - 1] ?? maxMs);
  const meanMs = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length;
  return {
    minMs: rounded(minMs),
    meanMs: rounded(meanMs),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: rounded(maxMs),
  };
}

function row(times: PathTimes): Cell[] {
  const known = figures(times);
  const answered = String(times.timesMs.length);
  const cell: Cell = times.timesMs.length < times.sent ? { text: answered, tone: "bad" } : answered;
  const values = known === undefined ? [] : [known.minMs, known.p50Ms, known.p99Ms, known.maxMs];
  const texts = COLUMNS.slice(-4).map((_, index) => (values[index] === undefined ? "" : `${values[index]} ms`));
  return [times.path, String(times.sent), cell, ...texts];
}

function json(times: PathTimes): Record<string, unknown> {
  const known = figures(times) ?? { minMs: null, meanMs: null, p50Ms: null, p99Ms: null, maxMs: null };
  return { path: times.path, sent: times.sent, answered: times.timesMs.length, ...known };
}

/** Hellos of this command's own, while no daemon runs here. */
async function sendHellos(context: CommandContext, wanted: number): Promise<PathTimes[]> {
  const { config } = readConfig(context);
  const sentAtMs = new Map<string, number>();
  const timesMs: Record<PathName, number[]> = { public: [], private: [] };
  using visitor = HeartbeatVisitor.open(config, (packet) => {
    if (packet.kind !== "authentic") return;
    const { echoNonce } = packet.heartbeat;
    const atMs = sentAtMs.get(`${packet.path} ${echoNonce}`);
    if (atMs === undefined) return;
    sentAtMs.delete(`${packet.path} ${echoNonce}`);
    timesMs[packet.path].push(performance.now() - atMs);
  });
  for (let turn = 0; turn < wanted; turn += 1) {
    for (const path of PATHS) sentAtMs.set(`${path} ${visitor.sendHello(path)}`, performance.now());
    await Bun.sleep(GAP_MS);
  }
  return PATHS.map((path): PathTimes => ({ path, sent: wanted, timesMs: timesMs[path] }));
}

/** The heartbeats of the daemon that runs here: on each path the next one that comes, so many times. */
async function watchDaemon(context: CommandContext, wanted: number): Promise<PathTimes[]> {
  const timesMs: Record<PathName, number[]> = { public: [], private: [] };
  const { intervalMs, ...first } = await askHeartbeats(context);
  let { paths } = first;
  for (let turn = 0; turn < wanted; turn += 1) {
    const before = new Map(paths.map(({ path, accepted }) => [path, accepted]));
    const endMs = performance.now() + Math.max(GAP_MS, LOOK_INTERVALS * intervalMs);
    const hasCome = ({ path, accepted }: (typeof paths)[number]) => accepted !== before.get(path);
    do {
      await Bun.sleep(LOOK_EVERY_MS);
      ({ paths } = await askHeartbeats(context));
    } while (!paths.every(hasCome) && performance.now() < endMs);
    for (const status of paths.filter(hasCome)) {
      if (status.roundTripMs !== null) timesMs[status.path].push(status.roundTripMs);
    }
  }
  return PATHS.map((path): PathTimes => ({ path, sent: wanted, timesMs: timesMs[path] }));
}

/** Measures the round trip on both paths; exit 3 when one has no answer. */
export const pingPeer: Runner<Verbs["ping"]> = async ({ count }, context) => {
  const { output } = context;
  const measure = (await daemonAnswers(runtimeDir(context))) ? watchDaemon : sendHellos;
  const results = await measure(context, count ?? COUNT_DEFAULT);
  if (output.json) output.printJson({ paths: results.map(json) });
  else output.lines(renderTable(COLUMNS, results.map(row), output));
  return results.every((times) => times.timesMs.length > 0) ? 0 : 3;
};
