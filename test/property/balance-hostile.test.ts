import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeSavedState, type SavedState } from "../../src/balance/saved/saved-state.ts";
import {
  decodeFromBalancer,
  decodeToBalancer,
  type FromBalancer,
  type ToBalancer,
} from "../../src/daemon/balancer/balancer-protocol.ts";
import { DecodeError } from "../../src/lib/errors.ts";
import { address } from "../../src/model/address.ts";
import type { GateSubject } from "../../src/model/gate.ts";
import type { CheckMethod } from "../../src/model/health-check.ts";
import {
  checked,
  configuredService,
  endpoint,
  gate,
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

const SUBJECTS: readonly GateSubject[] = [
  { kind: "check", method: { kind: "tcp" }, target: { address: address("127.0.0.1"), port: 80 } },
  { kind: "process", name: "haproxy" },
  { kind: "interface", name: "eth2" },
  { kind: "file", path: "/run/ok", state: "not-negative" },
];

const GATES: FromBalancer = {
  kind: "gates",
  gates: [
    { name: "a", state: "failing", sinceMs: 1.5, detail: "refused" },
    { name: "b", state: "unknown", sinceMs: -3 },
  ],
};

const ANSWER: FromBalancer = {
  kind: "answer",
  id: 7,
  answer: {
    kind: "checks",
    checks: [],
    gates: [
      {
        ...{ name: "a", state: "passing", sinceMs: 1, forMs: 2, times: { p50Ms: 1, p99Ms: 2, samples: 3 } },
        last: { outcome: { result: "success", elapsedMs: 1, reason: "r" }, atMs: 1, streak: 1 },
        changes: [{ to: "up", agoMs: 1, reason: "r" }],
      },
    ],
    pace: { turns: 1, inFlight: 0 },
  },
};

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
    gates: SUBJECTS.map((subject, index) => gate({ name: `g${index}`, subject, downIntervalMs: 100 })),
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
  ["decodeFromBalancer() of gates", decodeFromBalancer, GATES],
  ["decodeFromBalancer() of an answer with gates", decodeFromBalancer, ANSWER],
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

test("messages have no more gates than a configuration can have", () => {
  const views = Array.from({ length: 17 }, (_, index) => ({ name: `g${index}`, state: "passing", sinceMs: 0 }));
  const decoded = (count: number) => () => decodeFromBalancer({ kind: "gates", gates: views.slice(0, count) });
  expect(decoded(16)).not.toThrow();
  expect(decoded(17)).toThrow(new DecodeError("gates", "17 are more than 16"));
  const gates = views.map(({ name }) => gate({ name }));
  const configured = (count: number) => () =>
    decodeToBalancer({ kind: "configure", config: { services: [], gates: gates.slice(0, count) } });
  expect(configured(16)).not.toThrow();
  expect(configured(17)).toThrow(DecodeError);
});
