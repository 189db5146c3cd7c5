import fc from "fast-check";

/** How often each decoder is given hostile bytes. */
export const HOSTILE_RUNS = 20_000;

/** Bytes of a valid packet that were changed in some places, cut short or made longer. */
function damaged(valid: Uint8Array, limitBytes: number): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      changes: fc.array(fc.tuple(fc.nat(Math.max(0, valid.length - 1)), fc.integer({ min: 0, max: 255 })), {
        maxLength: 4,
      }),
      length: fc.oneof(fc.constant(valid.length), fc.nat(limitBytes)),
    })
    .map(({ changes, length }) => {
      const bytes = new Uint8Array(length);
      bytes.set(valid.subarray(0, length));
      for (const [index, value] of changes) if (index < length) bytes[index] = value;
      return bytes;
    });
}

/** Random bytes, and valid packets with damage: the second kind gets past the first checks. */
export function hostileBytes(valid: readonly Uint8Array[], limitBytes = 256): fc.Arbitrary<Uint8Array> {
  const random = fc.uint8Array({ maxLength: limitBytes });
  return fc.oneof(random, ...valid.map((bytes) => damaged(bytes, limitBytes)));
}
