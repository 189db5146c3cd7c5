import { formatDuration } from "../model/duration.ts";

/** Numbers for people. Scripts read --json, where every digit is. */

/** Whole up to 99999, then with a letter: `123k`, `4.5M`. */
export function formatCount(value: bigint): string {
  return scaled(value, 1000n, ["", "k", "M", "G", "T", "P"], 100_000n);
}

/** Bytes in units of 1024: `512`, `1.5K`, `20M`. */
export function formatBytes(value: bigint): string {
  return scaled(value, 1024n, ["", "K", "M", "G", "T", "P"], 10_000n);
}

function scaled(value: bigint, step: bigint, units: readonly string[], wholeBelow: bigint): string {
  if (value < wholeBelow) return value.toString();
  let tenths = value * 10n;
  let unit = 0;
  while (tenths >= step * 10n && unit < units.length - 1) {
    tenths /= step;
    unit += 1;
  }
  const text = tenths < 1000n ? `${tenths / 10n}.${tenths % 10n}` : (tenths / 10n).toString();
  return `${text}${units[unit] ?? ""}`;
}

/** A time span at a glance: `350ms`, `12.3s`, `4m 10s`, `3h 2m`, `5d 1h`. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return formatDuration(Math.round(ms / 100) * 100);
  const seconds = Math.round(ms / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600), Math.floor(seconds / 60)];
  if (days > 0) return `${days}d ${hours % 24}h`;
  return hours > 0 ? `${hours}h ${minutes % 60}m` : `${minutes}m ${seconds % 60}s`;
}

/** `1 service`, `2 services`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
