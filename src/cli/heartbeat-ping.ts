import { daemonAnswers } from "../daemon/control-client.ts";
import { HeartbeatVisitor } from "../daemon/heartbeat-visitor.ts";
import { TandemError } from "../lib/errors.ts";
import { PATHS, type PathName } from "../model/pair.ts";
import { readConfig } from "./config-file.ts";
import type { Runner } from "./context.ts";
import { runtimeDir } from "./directories.ts";
import type { heartbeat as spec } from "./spec/heartbeat.ts";
import { type Cell, type Column, renderTable } from "./table.ts";

/** `heartbeat ping`: hellos to the peer's daemon, which answers each by echoing its nonce. */

type Verbs = (typeof spec)["verbs"];

const COUNT_DEFAULT = 5;
/** The peer answers one hello in 20 ms for each path (failover/session.ts); this leaves it room. */
const GAP_MS = 200;

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
  { header: "MEAN", align: "right" },
  { header: "MAX", align: "right" },
];

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function figures({ timesMs }: PathTimes): { minMs: number; meanMs: number; maxMs: number } | undefined {
  if (timesMs.length === 0) return undefined;
  const meanMs = timesMs.reduce((sum, ms) => sum + ms, 0) / timesMs.length;
  return { minMs: rounded(Math.min(...timesMs)), meanMs: rounded(meanMs), maxMs: rounded(Math.max(...timesMs)) };
}

function row(times: PathTimes): Cell[] {
  const known = figures(times);
  const answered = String(times.timesMs.length);
  const cell: Cell = times.timesMs.length < times.sent ? { text: answered, tone: "bad" } : answered;
  const texts = known === undefined ? ["", "", ""] : [known.minMs, known.meanMs, known.maxMs].map((ms) => `${ms} ms`);
  return [times.path, String(times.sent), cell, ...texts];
}

function json(times: PathTimes): Record<string, unknown> {
  const known = figures(times) ?? { minMs: null, meanMs: null, maxMs: null };
  return { path: times.path, sent: times.sent, answered: times.timesMs.length, ...known };
}

/** Measures the round trip on both paths; exit 3 when one has no answer. */
export const pingPeer: Runner<Verbs["ping"]> = async ({ count }, context) => {
  const { output } = context;
  if (await daemonAnswers(runtimeDir(context))) {
    throw new TandemError({
      operation: "ping the peer",
      reason: "a daemon runs here and has the port",
      hint: "tandem status shows when each path was last heard",
    });
  }
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
  const wanted = count ?? COUNT_DEFAULT;
  for (let turn = 0; turn < wanted; turn += 1) {
    for (const path of PATHS) sentAtMs.set(`${path} ${visitor.sendHello(path)}`, performance.now());
    await Bun.sleep(GAP_MS);
  }
  const results = PATHS.map((path): PathTimes => ({ path, sent: wanted, timesMs: timesMs[path] }));
  if (output.json) output.printJson({ paths: results.map(json) });
  else output.lines(renderTable(COLUMNS, results.map(row), output));
  return results.every((times) => times.timesMs.length > 0) ? 0 : 3;
};
