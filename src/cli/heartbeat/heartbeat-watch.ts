/** `heartbeat watch`: what comes on each path, told by the daemon or heard in its place. */
import { daemonAnswers } from "../../daemon/control/control-client.ts";
import { type HeardPacket, HeartbeatVisitor } from "../../daemon/network/heartbeat-probe.ts";
import type { PathStatus } from "../../daemon/status/status-report.ts";
import { StateError } from "../../lib/errors.ts";
import { PATHS, type PathName } from "../../model/pair.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { askHeartbeats } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { type Cell, type Column, renderTable } from "../output/table.ts";
import type { heartbeat as spec } from "../spec/heartbeat-spec.ts";

type Verbs = (typeof spec)["verbs"];

interface WatchedPath {
  readonly path: PathName;
  readonly interface: string;
  /** Who sent last; the router's role and software. */
  readonly from: string | null;
  readonly accepted: number;
  readonly perSecond: number;
  /** Of the packets that the peer sent, by their counters; null where that is not known. */
  readonly lossPercent: number | null;
  /** The mean change of the time between two packets (RFC 3550 section 6.4.1). */
  readonly jitterMs: number | null;
  readonly refused: Readonly<Record<string, number>>;
}

const DURATION_DEFAULT_MS = 10_000;

/** What one path said so far. */
class PathEar {
  accepted = 0;
  from: string | null = null;
  readonly refused: Record<string, number> = {};
  #bootId: string | undefined;
  #firstCounter = 0;
  #lastCounter = 0;
  #countedHere = 0;
  #lastAtMs: number | undefined;
  #lastGapMs: number | undefined;
  #jitterMs: number | undefined;

  hear(packet: HeardPacket, nowMs: number): void {
    if (packet.kind === "refused") {
      this.refused[packet.reason] = (this.refused[packet.reason] ?? 0) + 1;
      return;
    }
    const { bootId, counter, router, payload } = packet.heartbeat;
    this.accepted += 1;
    this.from = `${router} (${payload.role}, ${payload.software})`;
    if (bootId !== this.#bootId) {
      this.#bootId = bootId;
      this.#firstCounter = counter;
      this.#countedHere = 0;
    }
    this.#lastCounter = Math.max(this.#lastCounter, counter);
    this.#countedHere += 1;
    this.#noteTime(nowMs);
  }

  #noteTime(nowMs: number): void {
    const gapMs = this.#lastAtMs === undefined ? undefined : nowMs - this.#lastAtMs;
    if (gapMs !== undefined && this.#lastGapMs !== undefined) {
      const changeMs = Math.abs(gapMs - this.#lastGapMs);
      // RFC 3550: a running mean with a gain of 1/16.
      this.#jitterMs = this.#jitterMs === undefined ? changeMs : this.#jitterMs + (changeMs - this.#jitterMs) / 16;
    }
    this.#lastAtMs = nowMs;
    this.#lastGapMs = gapMs;
  }

  get lossPercent(): number | null {
    if (this.#bootId === undefined) return null;
    const sent = this.#lastCounter - this.#firstCounter + 1;
    return Math.round((Math.max(0, sent - this.#countedHere) / sent) * 1000) / 10;
  }

  get jitterMs(): number | null {
    return this.#jitterMs === undefined ? null : Math.round(this.#jitterMs * 100) / 100;
  }
}

/** Hears in place of the daemon. */
async function hear(context: CommandContext, durationMs: number): Promise<WatchedPath[]> {
  const ears = { public: new PathEar(), private: new PathEar() };
  const { config } = readConfig(context);
  using visitor = HeartbeatVisitor.open(config, (packet) => ears[packet.path].hear(packet, performance.now()));
  await Bun.sleep(durationMs);
  return PATHS.map((path): WatchedPath => {
    const { accepted, from, lossPercent, jitterMs, refused } = ears[path];
    const perSecond = Math.round((accepted / durationMs) * 10_000) / 10;
    const name = visitor.links[path]?.name ?? "none";
    return { path, interface: name, from, accepted, perSecond, lossPercent, jitterMs, refused };
  });
}

function difference(after: PathStatus, before: PathStatus | undefined): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after.refused)
      .map(([reason, count]) => [reason, count - (before?.refused[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
}

/** Asks the daemon before and after. */
async function askTwice(context: CommandContext, durationMs: number): Promise<WatchedPath[]> {
  const before = await askHeartbeats(context);
  await Bun.sleep(durationMs);
  const after = await askHeartbeats(context);
  return after.paths.map((path): WatchedPath => {
    const old = before.paths.find((candidate) => candidate.path === path.path);
    const accepted = path.accepted - (old?.accepted ?? 0);
    const sent = path.peerSent - (old?.peerSent ?? 0);
    return {
      path: path.path,
      interface: path.interface,
      from: accepted === 0 ? null : `${after.peer.id} (${after.peer.role}, ${after.peer.software ?? "unknown"})`,
      accepted,
      perSecond: Math.round((accepted / durationMs) * 10_000) / 10,
      // A restarted peer counts anew: then nothing is known.
      lossPercent: sent > 0 && sent >= accepted ? Math.round(((sent - accepted) / sent) * 1000) / 10 : null,
      jitterMs: null,
      refused: difference(path, old),
    };
  });
}

const COLUMNS: readonly Column[] = [
  { header: "PATH" },
  { header: "INTERFACE" },
  { header: "PEER", hideEmpty: true, flexible: true },
  { header: "PACKETS", align: "right" },
  { header: "A SECOND", align: "right" },
  { header: "LOSS", align: "right", hideEmpty: true },
  { header: "JITTER", align: "right", hideEmpty: true },
  { header: "REFUSED", hideEmpty: true },
];

function row(path: WatchedPath): Cell[] {
  const refused = Object.entries(path.refused).map(([reason, count]) => `${count} ${reason}`);
  const packets = String(path.accepted);
  return [
    path.path,
    path.interface,
    path.from ?? "",
    path.accepted === 0 ? { text: packets, tone: "bad" } : packets,
    path.perSecond.toFixed(1),
    path.lossPercent === null ? "" : `${path.lossPercent} %`,
    path.jitterMs === null ? "" : `${path.jitterMs} ms`,
    { text: refused.join(", "), tone: "warn" },
  ];
}

/** Shows what came on each path; exit 3 when one was silent. */
export const watchHeartbeats: Runner<Verbs["watch"]> = async ({ duration, interface: name }, context) => {
  const { output } = context;
  const durationMs = duration ?? DURATION_DEFAULT_MS;
  const heard = await ((await daemonAnswers(runtimeDir(context))) ? askTwice : hear)(context, durationMs);
  const shown = heard.filter((path) => name === undefined || path.interface === name);
  if (shown.length === 0) {
    const known = heard.map((path) => path.interface).join(" and ");
    throw new StateError({
      operation: "watch heartbeats",
      reason: `no path is on interface ${name}; they are on ${known}`,
    });
  }
  if (output.json) output.printJson({ paths: shown });
  else output.lines(renderTable(COLUMNS, shown.map(row), output));
  return shown.every(({ accepted }) => accepted > 0) ? 0 : 3;
};
