import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  addressBytes,
  addressFromBytes,
  coversAddress,
  formatAddressPrefix,
  formatEndpoint,
  parseAddress,
  parseAddressPrefix,
  parseEndpoint,
} from "../../src/model/address.ts";
import { formatDuration, parseDuration } from "../../src/model/duration.ts";
import { macBytes, macFromBytes, parseMacAddress } from "../../src/model/mac-address.ts";
import { SCHEDULERS } from "../../src/model/scheduler.ts";
import { formatSchedulerFlag, parseSchedulerFlag } from "../../src/model/scheduler-flag.ts";
import { formatServiceKey, PROTOCOLS, parseServiceKey, SCHEDULER_FLAGS } from "../../src/model/virtual-service.ts";

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Zero bytes are common in IPv6 addresses, and where "::" goes depends on them. */
const sparse = fc
  .array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(255)), { minLength: 16, maxLength: 16 })
  .map((list) => new Uint8Array(list));
const anyAddress = fc.oneof(bytesOf(4), bytesOf(16), sparse).map(addressFromBytes);
const port = fc.nat(65_535);

describe("each text that is written is read as the same value", () => {
  test("addresses, and their bytes", () => {
    fc.assert(
      fc.property(fc.oneof(bytesOf(4), bytesOf(16), sparse), (bytes) => {
        const address = addressFromBytes(bytes);
        expect(addressBytes(address)).toEqual(bytes);
        expect(parseAddress(address.text)).toEqual({ ok: true, value: address });
        expect(parseAddress(address.text.toUpperCase())).toEqual({ ok: true, value: address });
      }),
    );
  });

  test("prefixes", () => {
    fc.assert(
      fc.property(anyAddress, fc.nat(128), (address, length) => {
        const prefix = { address, prefixLength: address.family === "inet" ? length % 33 : length };
        expect(parseAddressPrefix(formatAddressPrefix(prefix))).toEqual({ ok: true, value: prefix });
      }),
    );
  });

  test("endpoints", () => {
    fc.assert(
      fc.property(anyAddress, port, (address, number) => {
        const endpoint = { address, port: number };
        expect(parseEndpoint(formatEndpoint(endpoint))).toEqual({ ok: true, value: endpoint });
      }),
    );
  });

  test("service keys", () => {
    const key = fc.oneof(
      fc.record({
        kind: fc.constant("address" as const),
        protocol: fc.constantFrom(...PROTOCOLS),
        address: anyAddress,
        port,
      }),
      fc.record({
        kind: fc.constant("fwmark" as const),
        mark: fc.integer({ min: 1, max: 0xffff_ffff }),
        family: fc.constantFrom("inet" as const, "inet6" as const),
      }),
    );
    fc.assert(
      fc.property(key, (value) => {
        expect(parseServiceKey(formatServiceKey(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test("durations", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.nat(10_000),
          fc.nat(100 * 86_400_000),
          fc.nat(2_000_000).map((s) => s * 1000),
        ),
        (ms) => {
          expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, value: ms });
        },
      ),
    );
  });

  test("MAC addresses", () => {
    fc.assert(
      fc.property(bytesOf(6), (bytes) => {
        const mac = macFromBytes(bytes);
        expect(macBytes(mac)).toEqual(bytes);
        expect(parseMacAddress(mac.toUpperCase())).toEqual({ ok: true, value: mac });
      }),
    );
  });

  test("scheduler flags", () => {
    fc.assert(
      fc.property(fc.constantFrom(...SCHEDULERS), fc.constantFrom(...SCHEDULER_FLAGS), (scheduler, flag) => {
        expect(parseSchedulerFlag(scheduler, formatSchedulerFlag(scheduler, flag))).toEqual({ ok: true, value: flag });
      }),
    );
  });
});

test("no text makes a parser throw", () => {
  const parsers = [parseAddress, parseAddressPrefix, parseEndpoint, parseServiceKey, parseDuration, parseMacAddress];
  const likely = fc
    .array(fc.constantFrom("1", "255", ".", ":", "::", "/", "[", "]", "tcp://", "fwmark:", "ms", "f", "-", " ", "0"))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), likely), (text) => {
      for (const parse of parsers) {
        const result = parse(text);
        if (!result.ok) expect(result.problem).not.toMatch(/\.$/);
      }
    }),
    { numRuns: 5000 },
  );
});

test("coversAddress() goes by the leading bits", () => {
  const bits = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const pair = fc.oneof(fc.tuple(bytesOf(4), bytesOf(4)), fc.tuple(sparse, sparse));
  fc.assert(
    fc.property(pair, fc.nat(128), ([a, b], length) => {
      const prefixLength = Math.min(length, a.length * 8);
      const expected = bits(a).slice(0, prefixLength) === bits(b).slice(0, prefixLength);
      expect(coversAddress(addressFromBytes(a), prefixLength, addressFromBytes(b))).toBe(expected);
    }),
  );
});
