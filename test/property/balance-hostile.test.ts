import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeSavedState, type SavedState } from "../../src/balance/saved-state.ts";
import { decodeFromBalancer, decodeToBalancer, type ToBalancer } from "../../src/daemon/balancer-protocol.ts";
import { DecodeError } from "../../src/lib/errors.ts";
import type { CheckMethod } from "../../src/model/check.ts";
import {
  checked,
  configuredService,
  endpoint,
  realServer,
  serviceKey,
  TCP_CHECK,
} from "../support/balance-fixtures.ts";

const HOSTILE_INPUTS = 20_000;

const METHODS: readonly CheckMethod[] = [
  { kind: "tcp", port: 81 },
  { kind: "send-expect", send: "a", expect: "b" },
  { kind: "https", method: "HEAD", path: "/", host: "h", expectStatus: [[200, 299]], verifyCertificate: true },
  { kind: "external", command: ["/bin/true"], user: "nobody" },
];

const CONFIGURE: ToBalancer = {
  kind: "configure",
  config: {
    services: [
      configuredService({
        servers: METHODS.map((method, index) => checked(`10.0.0.${index}:80`, { ...TCP_CHECK, method })),
        sorry: realServer("10.0.0.99:80", { forward: "tunnel", tunnel: { type: "gue", port: 6080, checksum: "none" } }),
        slowStartMs: 1_000,
      }),
    ],
  },
  drains: [{ kind: "weight", service: serviceKey("fwmark:7"), server: endpoint("10.0.0.1:80"), weight: 3 }],
};

const SAVED: SavedState = {
  version: 1,
  bootId: "b",
  verdicts: [{ subject: "s", verdict: "down", sinceMs: 1, failingSinceMs: 2, refused: true, recoveredMs: 3 }],
  drains: [],
  owned: [serviceKey("tcp://203.0.113.1:80")],
};

/** A valid value with one part of it replaced, or gone. */
function anySpoiled(valid: unknown): fc.Arbitrary<unknown> {
  return fc.tuple(fc.array(fc.nat(20), { maxLength: 8 }), fc.anything(), fc.boolean()).map(([path, junk, drop]) => {
    const copy: unknown = structuredClone(valid);
    let place = copy as Record<string, unknown>;
    for (const [depth, choice] of path.entries()) {
      const keys = Object.keys(place);
      const key = keys[choice % Math.max(1, keys.length)];
      if (key === undefined) break;
      const inner = place[key];
      if (depth < path.length - 1 && typeof inner === "object" && inner !== null) {
        place = inner as Record<string, unknown>;
        continue;
      }
      if (drop) delete place[key];
      else place[key] = junk;
      break;
    }
    return copy;
  });
}

test.each<[string, (value: unknown) => unknown, unknown]>([
  ["decodeToBalancer()", decodeToBalancer, CONFIGURE],
  ["decodeFromBalancer()", decodeFromBalancer, { kind: "alive", atMs: 1, lateMs: 0, probesInFlight: 0 }],
  ["decodeSavedState()", decodeSavedState, SAVED],
])("%s gives back what is valid, and throws nothing but DecodeError for the rest", (_name, decode, valid) => {
  expect(decode(JSON.parse(JSON.stringify(valid)))).toEqual(valid);
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(fc.anything(), anySpoiled(valid)), (value) => {
      try {
        decode(value);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
        refused += 1;
      }
    }),
    { numRuns: HOSTILE_INPUTS },
  );
  expect(refused).toBeGreaterThan(HOSTILE_INPUTS / 10);
});
