/**
 * The Internet checksum (RFC 1071): the one's complement of the one's-complement sum of the 16-bit words. Over bytes
 * that contain their own right checksum it gives 0.
 * @param initial a sum to go on from, for a pseudo-header
 */
export function internetChecksum(bytes: Uint8Array, initial = 0): number {
  return ~fold(sumWords(bytes, initial)) & 0xffff;
}

/** The sum without the final complement; an odd last byte counts as the upper half of a word. */
export function sumWords(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let index = 0; index < bytes.length; index += 2) {
    sum = fold(sum + ((bytes[index] ?? 0) << 8) + (bytes[index + 1] ?? 0));
  }
  return sum;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
