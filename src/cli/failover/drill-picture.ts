/** The timeline of a drill as an SVG picture: who was active when, and every probe that was lost. */
import { formatSpan } from "../../model/duration.ts";
import type { Attempt } from "./drill-figures.ts";

export interface PictureMove {
  readonly from: string;
  readonly to: string;
  readonly beganMs: number;
  readonly endedMs: number;
}

export interface PictureRow {
  readonly label: string;
  /** The figures in words, at the right. */
  readonly result: string;
  readonly attempts: readonly Attempt[];
}

export interface DrillPicture {
  readonly title: string;
  readonly beganMs: number;
  readonly endedMs: number;
  readonly moves: readonly PictureMove[];
  readonly rows: readonly PictureRow[];
}

const WIDTH = 1100;
const LABEL_WIDTH = 280;
const RESULT_WIDTH = 220;
const TIME_WIDTH = WIDTH - LABEL_WIDTH - RESULT_WIDTH;
const ROW_HEIGHT = 26;
const BAR_HEIGHT = 12;
const HEAD_HEIGHT = 74;
const AXIS_HEIGHT = 36;
const TICKS = 8;
const TICK_STEPS_MS = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
const COLORS = {
  first: "#3b6ea5",
  second: "#c2803a",
  moving: "#8a8a8a",
  good: "#5aa469",
  unknown: "#cccccc",
  bad: "#c0392b",
};

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${more}>${escaped(content)}</text>`;
}

function bar(x: number, y: number, width: number, color: string): string {
  return `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(1, width).toFixed(1)}" height="${BAR_HEIGHT}" fill="${color}"/>`;
}

/** Who was active, from the beginning to the end; the time of a move between them. */
function roles({ beganMs, endedMs, moves }: DrillPicture, at: (ms: number) => number, y: number): string[] {
  const [first] = moves;
  if (first === undefined) return [];
  const color = (name: string) => (name === first.from ? COLORS.first : COLORS.second);
  const spans = moves.flatMap((move, index) => {
    const startMs = moves[index - 1]?.endedMs ?? beganMs;
    return [
      bar(at(startMs), y, at(move.beganMs) - at(startMs), color(move.from)),
      text(at(startMs) + 3, y - 4, move.from),
      bar(at(move.beganMs), y, at(move.endedMs) - at(move.beganMs), COLORS.moving),
    ];
  });
  const last = moves.at(-1) ?? first;
  return [
    ...spans,
    bar(at(last.endedMs), y, at(endedMs) - at(last.endedMs), color(last.to)),
    text(at(last.endedMs) + 3, y - 4, last.to),
  ];
}

/** A stretch without a probe that is longer than this is not known to be good. */
const PAUSE_SHOWN_MS = 100;

/** Where the probe itself paused. */
function pauses(attempts: readonly Attempt[], at: (ms: number) => number, y: number): string[] {
  return attempts.flatMap(({ atMs }, index) => {
    const beforeMs = attempts[index - 1]?.atMs ?? atMs;
    return atMs - beforeMs > PAUSE_SHOWN_MS ? [bar(at(beforeMs), y, at(atMs) - at(beforeMs), COLORS.unknown)] : [];
  });
}

/** Lost probes that fall into one pixel are one mark. */
function lostMarks(attempts: readonly Attempt[], at: (ms: number) => number, y: number): string[] {
  const pixels = new Set(attempts.filter((one) => one.answered !== true).map((one) => Math.round(at(one.atMs))));
  return [...pixels].map((x) => bar(x, y, 1, COLORS.bad));
}

function axis({ beganMs, endedMs }: DrillPicture, at: (ms: number) => number, y: number): string[] {
  const lengthMs = endedMs - beganMs;
  const stepMs = TICK_STEPS_MS.find((step) => lengthMs / step <= TICKS) ?? lengthMs / TICKS;
  const count = Math.floor(lengthMs / stepMs) + 1;
  return Array.from({ length: count }, (_, index) => {
    const x = at(beganMs + index * stepMs);
    const line = `<line x1="${x.toFixed(1)}" y1="${HEAD_HEIGHT - 20}" x2="${x.toFixed(1)}" y2="${y}" stroke="#ddd"/>`;
    return `${line}${text(x, y + 16, formatSpan(Math.round(index * stepMs)), ' text-anchor="middle" fill="#666"')}`;
  });
}

export function drillPicture(picture: DrillPicture): string {
  const { beganMs, endedMs, rows } = picture;
  const scale = TIME_WIDTH / Math.max(1, endedMs - beganMs);
  const at = (ms: number) => LABEL_WIDTH + (ms - beganMs) * scale;
  const bottom = HEAD_HEIGHT + rows.length * ROW_HEIGHT;
  const height = bottom + AXIS_HEIGHT;
  const lines = rows.flatMap(({ label, result, attempts }, index) => {
    const y = HEAD_HEIGHT + index * ROW_HEIGHT;
    return [
      text(10, y + 10, label),
      bar(LABEL_WIDTH, y, TIME_WIDTH, COLORS.good),
      ...pauses(attempts, at, y),
      ...lostMarks(attempts, at, y),
      text(WIDTH - RESULT_WIDTH + 10, y + 10, result),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(10, 20, picture.title, ' font-size="15" font-weight="bold"'),
    ...axis(picture, at, bottom),
    text(10, HEAD_HEIGHT - 22, "active"),
    ...roles(picture, at, HEAD_HEIGHT - 32),
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}
