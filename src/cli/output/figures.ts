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

/** `1 service`, `2 services`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
