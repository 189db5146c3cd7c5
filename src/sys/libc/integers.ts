/**
 * Range checks for what goes into C or into a packet. Without them `close(2 ** 32)` closes descriptor 0 and a port of
 * 70000 becomes 4464, both in silence.
 */
function check(value: number, minimum: number, maximum: number, what: string): number {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`${what} must be a whole number from ${minimum} to ${maximum}, not ${value}`);
  }
  return value;
}

/** @returns `value`. @throws RangeError that names `what` when it is no unsigned 8-bit integer. */
export function asU8(value: number, what: string): number {
  return check(value, 0, 0xff, what);
}

/** @returns `value`. @throws RangeError that names `what` when it is no unsigned 16-bit integer. */
export function asU16(value: number, what: string): number {
  return check(value, 0, 0xffff, what);
}

/** @returns `value`. @throws RangeError that names `what` when it is no unsigned 32-bit integer. */
export function asU32(value: number, what: string): number {
  return check(value, 0, 0xffff_ffff, what);
}

/** @returns `value`. @throws RangeError that names `what` when it is no signed 32-bit integer. */
export function asI32(value: number, what: string): number {
  return check(value, -0x8000_0000, 0x7fff_ffff, what);
}
