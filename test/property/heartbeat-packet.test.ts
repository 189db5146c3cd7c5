import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { DecodeError } from "../../src/lib/errors.ts";
import {
  decodeHeartbeat,
  HEARTBEAT_LIMIT_BYTES,
  openHeartbeat,
  readSource,
  sealHeartbeat,
} from "../../src/wire/heartbeat/heartbeat-packet.ts";
import { HEARTBEAT, heartbeats, KEY, OTHER_KEY, PAIR_ID } from "../support/heartbeats.ts";

/** In each of four parts: 20,000 together. */
const HOSTILE_RUNS = 5_000;
const MAC_BYTES = 32;

/** What somebody who has the key could send: any payload under a right signature. */
function resign(bytes: Uint8Array): Uint8Array {
  const signed = bytes.subarray(0, bytes.length - MAC_BYTES);
  return new Uint8Array([...signed, ...createHmac("sha256", KEY).update(signed).digest()]);
}

function decodeOutcome(bytes: Uint8Array): "decoded" | "refused" {
  try {
    decodeHeartbeat(bytes);
    return "decoded";
  } catch (error) {
    if (error instanceof DecodeError) return "refused";
    throw error;
  }
}

describe("a heartbeat", () => {
  test("sealHeartbeat() and openHeartbeat() carry every value there and back, within the limit", () => {
    fc.assert(
      fc.property(heartbeats, (heartbeat) => {
        const bytes = sealHeartbeat(heartbeat, KEY);
        expect(bytes.length).toBeLessThanOrEqual(HEARTBEAT_LIMIT_BYTES);
        expect(openHeartbeat(bytes, [OTHER_KEY, KEY], PAIR_ID)).toEqual({ ok: true, heartbeat });
      }),
      { numRuns: 500 },
    );
  });

  test("openHeartbeat() accepts no packet with a bit flipped anywhere", () => {
    for (const [name, heartbeat] of Object.entries({
      small: HEARTBEAT,
      large: fc.sample(heartbeats, { seed: 1, numRuns: 1 })[0],
    })) {
      if (heartbeat === undefined) continue;
      const bytes = sealHeartbeat(heartbeat, KEY);
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect({ name, bit, ok: openHeartbeat(flipped, [KEY], PAIR_ID).ok }).toEqual({ name, bit, ok: false });
      }
    }
  });

  test("openHeartbeat() accepts no packet that was cut short or made longer", () => {
    const bytes = sealHeartbeat(HEARTBEAT, KEY);
    for (let length = 0; length < bytes.length; length += 1) {
      expect({ length, ok: openHeartbeat(bytes.subarray(0, length), [KEY], PAIR_ID).ok }).toEqual({
        length,
        ok: false,
      });
    }
    expect(openHeartbeat(new Uint8Array([...bytes, 0]), [KEY], PAIR_ID)).toEqual({ ok: false, reason: "bad-length" });
  });

  test.each([1, 2, 3, 4])(
    "decodeHeartbeat() answers 5,000 hostile inputs with a value or a DecodeError, part %i",
    () => {
      const noise = fc.uint8Array({ maxLength: HEARTBEAT_LIMIT_BYTES + 8 });
      const damaged = fc
        .tuple(heartbeats, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }))
        .map(([heartbeat, damages]) => {
          const bytes = sealHeartbeat(heartbeat, KEY);
          for (const [at, value] of damages) bytes[at % bytes.length] = value;
          return bytes;
        });
      const counts = { decoded: 0, refused: 0 };
      fc.assert(
        fc.property(fc.oneof(noise, { arbitrary: damaged, weight: 3 }), (bytes) => {
          counts[decodeOutcome(bytes)] += 1;
          const opened = openHeartbeat(resign(bytes), [KEY], PAIR_ID);
          const source = readSource(bytes);
          return typeof opened.ok === "boolean" && (source === undefined || source.counter >= 0);
        }),
        { numRuns: HOSTILE_RUNS },
      );
      // Both kinds occur, or the inputs would prove nothing.
      expect(Math.min(counts.decoded, counts.refused)).toBeGreaterThan(HOSTILE_RUNS / 100);
    },
  );
});
