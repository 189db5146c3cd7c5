import { type Parsed, parsed, problem } from "../lib/parsed.ts";

/** Milliseconds in each unit that a duration may have. */
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `200ms`, `1s`, `1.5s`, `10m`, `2h`, `1d` as whole milliseconds. A number without a unit is refused. */
export function parseDuration(text: string): Parsed<number> {
  const match = /^(\d{1,16})(?:\.(\d{1,6}))?(ms|s|m|h|d)$/.exec(text);
  if (match === null) {
    return problem(`${JSON.stringify(text)} is not a duration; write a number with a unit, such as "200ms" or "1.5s"`);
  }
  const [, whole = "", fraction = "", unit = ""] = match;
  const unitMs = UNIT_MS[unit] ?? Number.NaN;
  // Whole numbers throughout: 1.001 * 1000 is not 1001 in floating point.
  const ms = Number(whole) * unitMs + (Number(fraction) * unitMs) / 10 ** fraction.length;
  return Number.isSafeInteger(ms)
    ? parsed(ms)
    : problem(`${JSON.stringify(text)} is not a whole number of milliseconds`);
}

/** The shortest exact form: 1500 is `1.5s`, 60000 is `1m`, 90000 is `90s`, 250 is `250ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m"]) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return ms >= 1000 && ms % 100 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** A time span at a glance, for people: `350ms`, `12.3s`, `4m 10s`, `3h 2m`, `5d 1h`. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return formatDuration(Math.round(ms / 100) * 100);
  const seconds = Math.round(ms / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600), Math.floor(seconds / 60)];
  if (days > 0) return `${days}d ${hours % 24}h`;
  return hours > 0 ? `${hours}h ${minutes % 60}m` : `${minutes}m ${seconds % 60}s`;
}
