/** `failover drill`: there and back, with probes to each VIP and service. */
import { writeFileSync } from "node:fs";
import { askDaemon } from "../../daemon/control/control-client.ts";
import type { FailbackStatus } from "../../daemon/status/status-report.ts";
import { type ExitCode, StateError } from "../../lib/errors.ts";
import { formatSpan } from "../../model/duration.ts";
import { reportChanges } from "../changes/changes.ts";
import { readConfig } from "../line/config-file.ts";
import type { CommandContext, Runner } from "../line/context.ts";
import { askStatus } from "../line/daemon-report.ts";
import { runtimeDir } from "../line/directories.ts";
import { writeFailure } from "../line/file-failure.ts";
import type { Tone } from "../output/palette.ts";
import { type Cell, type Column, printable, renderTable } from "../output/table.ts";
import type { failover as spec } from "../spec/failover-spec.ts";
import { stateExitCode } from "../status/status-view.ts";
import { type Judgement, judge, lossReasons, type StreamFigures, streamFigures } from "./drill-figures.ts";
import { drillPicture, type PictureMove } from "./drill-picture.ts";
import { DrillStreams, type Stream } from "./drill-streams.ts";

/** A planned move takes at most this long before it is given up: 60 s for the connections, 1 s for itself. */
const SETTLE_LIMIT_MS = 65_000;
const SETTLE_POLL_MS = 100;
const PAUSE_DEFAULT_MS = 5_000;
const MAX_GAP_DEFAULT_MS = 1_000;
/** Before the first move and after the last one: what is lost then is none of the moves' doing. */
const MARGIN_MS = 1_000;

interface Measured {
  readonly stream: Stream;
  readonly figures: StreamFigures;
  readonly judgement: Judgement;
}

/** One planned move, waited for until both routers say that it is done. */
async function move(context: CommandContext): Promise<PictureMove> {
  const before = await askStatus(context);
  const [active, standby] =
    before.router.role === "active" ? [before.router, before.peer] : [before.peer, before.router];
  if (stateExitCode(before) !== 0 || !before.peer.alive) {
    throw new StateError({
      operation: "switch",
      reason: "that needs one active router and a peer that is heard",
      hint: "tandem failover status",
    });
  }
  const beganMs = performance.now();
  await askDaemon(runtimeDir(context), { command: "switch" }, (message) => context.output.note(printable(message)));
  for (;;) {
    const now = await askStatus(context);
    const endedMs = performance.now();
    if (stateExitCode(now) === 0 && now.router.role !== before.router.role) {
      return { from: active.name, to: standby.name, beganMs, endedMs };
    }
    if (endedMs - beganMs > SETTLE_LIMIT_MS) {
      throw new StateError({
        operation: "switch",
        reason: `${active.name} is still active after ${formatSpan(endedMs - beganMs)}`,
      });
    }
    await Bun.sleep(SETTLE_POLL_MS);
  }
}

async function thereAndBack(context: CommandContext, pauseMs: number): Promise<readonly PictureMove[]> {
  await Bun.sleep(MARGIN_MS);
  const there = await move(context);
  context.output.note(printable(`${there.to} is active after ${formatSpan(there.endedMs - there.beganMs)}`));
  await Bun.sleep(pauseMs);
  const back = await move(context);
  await Bun.sleep(MARGIN_MS);
  return [there, back];
}

function measured(stream: Stream, maxGapMs: number): Measured {
  const figures = streamFigures(stream.attempts);
  return { stream, figures, judgement: judge(stream.kind, stream.attempts, maxGapMs) };
}

const COLUMNS: readonly Column[] = [
  { header: "TARGET", flexible: true },
  { header: "PROBES", align: "right" },
  { header: "LOST", align: "right" },
  { header: "LONGEST GAP", align: "right" },
  { header: "SLOWEST", align: "right", dropOrder: 2 },
  { header: "OWN PAUSE", align: "right", dropOrder: 1 },
];

/** Scripts take null for neither. */
const GOOD: Readonly<Record<Judgement, boolean | null>> = { good: true, bad: false, unknown: null };
const TONES: Readonly<Record<Judgement, Tone | undefined>> = { good: undefined, bad: "bad", unknown: "warn" };

function row({ stream, figures, judgement }: Measured): Cell[] {
  const shade = TONES[judgement];
  const tone = (text: string): Cell => (shade === undefined ? text : { text, tone: shade });
  return [
    stream.target,
    `${figures.sent} ${stream.kind === "echo" ? "echoes" : "connections"}`,
    tone(String(figures.lost)),
    tone(formatSpan(figures.longestGapMs)),
    formatSpan(figures.slowestMs),
    formatSpan(figures.longestPauseMs),
  ];
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function streamJson({ stream, figures, judgement }: Measured): Record<string, unknown> {
  return {
    target: stream.target,
    kind: stream.kind,
    good: GOOD[judgement],
    sent: figures.sent,
    lost: figures.lost,
    lostBecause: lossReasons(stream.attempts),
    longestGapMs: tenths(figures.longestGapMs),
    longestPauseMs: tenths(figures.longestPauseMs),
    slowestMs: tenths(figures.slowestMs),
  };
}

function writePicture(path: string, moves: readonly PictureMove[], results: readonly Measured[]): void {
  const times = results.flatMap(({ stream }) => stream.attempts.map(({ atMs }) => atMs));
  const ends = times.length === 0 ? moves.flatMap(({ beganMs, endedMs }) => [beganMs, endedMs]) : times;
  const text = drillPicture({
    title: `tandem failover drill, ${new Date().toISOString().slice(0, 19).replace("T", " ")} UTC`,
    beganMs: ends.reduce((least, ms) => Math.min(least, ms), Number.POSITIVE_INFINITY),
    endedMs: ends.reduce((most, ms) => Math.max(most, ms), Number.NEGATIVE_INFINITY),
    moves,
    rows: results.map(({ stream, figures }) => ({
      label: stream.target,
      result: `${figures.lost} of ${figures.sent} lost, gap ${formatSpan(figures.longestGapMs)}`,
      attempts: stream.attempts,
    })),
  });
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw writeFailure("write picture", path, error);
  }
}

/** Whether the moves of a drill have ended a fail-back that was to come; scripts take null for unknown. */
const ENDED_FAILBACK: Readonly<Record<FailbackStatus, boolean | null>> = { pending: true, none: false, unknown: null };

/**
 * What a drill ends beside what it tries: where an operator moved the role it stays. Undefined: nothing.
 * @param failback absent: the daemon is an older one
 */
export function endingFailback(failback: FailbackStatus | undefined, primary: string): string | undefined {
  if (failback === undefined || failback === "none") return undefined;
  const given = `\`tandem failover switch\` gives them to ${primary} after the drill`;
  if (failback === "pending") {
    return `the VIPs were to go back to ${primary} by themselves; a drill's moves are an operator's and end that: ${given}`;
  }
  return `if the VIPs were to go back to ${primary} by themselves, this ends that, as each switch does: ${given}`;
}

interface DrillResult {
  readonly moves: readonly PictureMove[];
  readonly results: readonly Measured[];
  readonly skipped: readonly string[];
  readonly maxGapMs: number;
  readonly endedFailback: boolean | null;
}

/** Of all streams together. */
function overall(results: readonly Measured[]): Judgement {
  const has = (wanted: Judgement) => results.some(({ judgement }) => judgement === wanted);
  if (has("bad")) return "bad";
  return has("unknown") ? "unknown" : "good";
}

function targetsOf(results: readonly Measured[], wanted: Judgement): string {
  return results
    .filter(({ judgement }) => judgement === wanted)
    .map(({ stream }) => stream.target)
    .join(", ");
}

function report({ moves, results, skipped, maxGapMs, endedFailback }: DrillResult, context: CommandContext): ExitCode {
  const { output } = context;
  const judgement = overall(results);
  const exitCode = judgement === "good" ? 0 : 3;
  const switches = moves.map(({ from, to, beganMs, endedMs }) => ({ from, to, elapsedMs: endedMs - beganMs }));
  if (output.json) {
    const rounded = switches.map((one) => ({ ...one, elapsedMs: Math.round(one.elapsedMs) }));
    const streams = results.map(streamJson);
    output.printJson({
      dryRun: false,
      good: GOOD[judgement],
      maxGapMs,
      switches: rounded,
      streams,
      skipped,
      endedFailback,
    });
    return exitCode;
  }
  output.lines([
    ...switches.map(({ from, to, elapsedMs }) => printable(`${from} → ${to}: ${formatSpan(elapsedMs)}`)),
    "",
    ...renderTable(COLUMNS, results.map(row), output),
  ]);
  if (skipped.length > 0) output.note(printable(`not probed: ${skipped.join(", ")}`));
  for (const { stream } of results) {
    const why = lossReasons(stream.attempts).map(({ reason, times }) => `${times} × ${reason}`);
    if (why.length > 0) output.note(printable(`lost, ${stream.target}: ${why.join(", ")}`));
  }
  const bad = targetsOf(results, "bad");
  if (bad !== "") output.note(printable(`a client would have noticed: ${bad}`));
  const unknown = targetsOf(results, "unknown");
  if (unknown !== "") {
    const limit = formatSpan(maxGapMs);
    output.note(printable(`cannot judge, since this router's own probes paused for longer than ${limit}: ${unknown}`));
  }
  return exitCode;
}

type Drill = (typeof spec)["verbs"]["drill"];

export const runDrill: Runner<Drill> = async ({ pause, maxGap, svg }, context) => {
  if (context.globals.dryRun) {
    const subject = "the roles of the two routers, there and back";
    return reportChanges([{ do: "switch", subject, outcome: { kind: "planned" } }], context);
  }
  const { config } = readConfig(context);
  const { router } = await askStatus(context);
  const ending = endingFailback(router.failback, config.pair.primary.name);
  if (ending !== undefined) context.output.note(printable(ending));
  const maxGapMs = maxGap ?? MAX_GAP_DEFAULT_MS;
  using streams = DrillStreams.open(config, config.pair[router.id]);
  const moves = await thereAndBack(context, pause ?? PAUSE_DEFAULT_MS);
  await streams.stop();
  const results = streams.streams.map((stream) => measured(stream, maxGapMs));
  if (svg !== undefined) writePicture(svg, moves, results);
  const endedFailback = ENDED_FAILBACK[router.failback ?? "unknown"];
  return report({ moves, results, skipped: streams.skipped, maxGapMs, endedFailback }, context);
};
