/** Heartbeats for tests: one whole value, and arbitrary ones. */
import fc from "fast-check";
import { addressFromBytes, type Family } from "../../src/model/address.ts";
import type { KeptChange } from "../../src/model/kept-server.ts";
import { type MacAddress, macFromBytes } from "../../src/model/mac-address.ts";
import { FORWARDINGS, TUNNEL_TYPES } from "../../src/model/real-server.ts";
import { SERVICE_SIGHTS } from "../../src/model/service-sight.ts";
import type { SharedEntry } from "../../src/model/shared-entry.ts";
import { PROTOCOLS } from "../../src/model/virtual-service.ts";
import {
  AGREEMENT_STEPS,
  GATE_STATES,
  GATES_LIMIT,
  type Heartbeat,
  type HeartbeatPayload,
  MAC_REPORT_LIMIT,
  MOVE_REASONS,
  SETTINGS_WINDOW,
  SYNC_KEYS_LIMIT_CROWDED,
  type SyncWord,
  UNFITNESS_REASONS,
  VIP_REPORT_LIMIT,
} from "../../src/wire/heartbeat/heartbeat.ts";
import { fittingEntries, isOfOlderKind } from "../../src/wire/heartbeat/heartbeat-shared.ts";

export const KEY = new Uint8Array(32).fill(1);
export const OTHER_KEY = new Uint8Array(32).fill(2);
export const PAIR_ID = "0123456789abcdef";

export const PAYLOAD: HeartbeatPayload = {
  role: "standby",
  term: 3,
  lastActiveTerm: 2,
  ready: true,
  leaving: false,
  hold: false,
  abstaining: false,
  holding: false,
  failback: "automatic",
  heardAgeMs: { public: 12 },
  sides: { public: { carrier: true, frameAgeMs: 5, neighbourAgeMs: 7 }, private: { carrier: false } },
  vips: [],
  vipCount: 0,
  configFingerprint: "00000000000000aa",
  software: "0.1.0",
};

export const HEARTBEAT: Heartbeat = {
  pairId: PAIR_ID,
  router: "backup",
  path: "public",
  bootId: "b".repeat(16),
  nonce: "c".repeat(32),
  echoNonce: "0".repeat(32),
  counter: 1,
  echoCounters: { public: 0, private: 0 },
  payload: PAYLOAD,
};

function hex(digits: number): fc.Arbitrary<string> {
  return fc.uint8Array({ minLength: digits / 2, maxLength: digits / 2 }).map((bytes) => bytes.toHex());
}

const u32 = fc.nat({ max: 0xffff_ffff });
const ageMs = fc.nat({ max: 0xffff_fffe });
const counter = fc.maxSafeNat();
const mac: fc.Arbitrary<MacAddress> = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(macFromBytes);
const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(addressFromBytes);
const side = fc.record(
  { carrier: fc.boolean(), frameAgeMs: ageMs, neighbourAgeMs: ageMs },
  { requiredKeys: ["carrier"] },
);

const vips = fc.array(mac, { minLength: 1, maxLength: MAC_REPORT_LIMIT }).chain((macs) =>
  fc.array(
    fc.record({ address, held: fc.boolean(), mac: fc.constantFrom(...macs) }, { requiredKeys: ["address", "held"] }),
    {
      maxLength: VIP_REPORT_LIMIT,
    },
  ),
);

const endpoint = fc.record({ address, port: fc.nat({ max: 0xffff }) });
const serviceKey = fc.oneof(
  fc.record({
    kind: fc.constant("address" as const),
    protocol: fc.constantFrom(...PROTOCOLS),
    address,
    port: fc.nat({ max: 0xffff }),
  }),
  fc.record({
    kind: fc.constant("fwmark" as const),
    mark: fc.integer({ min: 1, max: 0xffff_ffff }),
    family: fc.constantFrom("inet" as const, "inet6" as const),
  }),
);
const stamp = { revision: u32, by: fc.constantFrom("primary" as const, "backup" as const) };
const i31 = fc.nat({ max: 0x7fff_ffff });
const tunnel = fc.record({
  type: fc.constantFrom(...TUNNEL_TYPES),
  port: fc.nat({ max: 0xffff }),
  checksum: fc.constantFrom("none" as const, "full" as const, "remote" as const),
});
const keptChange: fc.Arbitrary<KeptChange> = fc.oneof(
  fc.constant({ kind: "none" as const }),
  fc.constant({ kind: "absent" as const }),
  fc.record({
    kind: fc.constant("present" as const),
    settings: fc.record(
      { forward: fc.constantFrom(...FORWARDINGS), weight: i31, upperThreshold: i31, lowerThreshold: i31, tunnel },
      { requiredKeys: ["forward", "weight", "upperThreshold", "lowerThreshold"] },
    ),
  }),
);
export const sharedEntry: fc.Arbitrary<SharedEntry> = fc.oneof(
  fc.record({ kind: fc.constant("hold" as const), held: fc.boolean(), ...stamp }),
  fc.record({
    kind: fc.constant("server" as const),
    service: serviceKey,
    server: endpoint,
    order: fc.oneof(
      fc.constant({ kind: "none" as const }),
      fc.constant({ kind: "drain" as const }),
      fc.record({ kind: fc.constant("weight" as const), weight: fc.nat({ max: 0x7fff_ffff }) }),
    ),
    ...stamp,
  }),
  fc.record({
    kind: fc.constant("kept" as const),
    service: serviceKey,
    server: endpoint,
    change: keptChange,
    ...stamp,
  }),
);

/** Keys of one slice, ascending and each once. */
const syncAnswer = fc
  .record({ to: u32, entries: u32, bits: fc.nat({ max: 24 }), position: fc.nat({ max: 0xffff_ffff }) })
  .chain(({ position, ...answer }) => {
    const slice = answer.bits === 0 ? 0 : position >>> (32 - answer.bits);
    const width = 2 ** (32 - answer.bits);
    return fc
      .uniqueArray(fc.nat({ max: width - 1 }), { maxLength: SYNC_KEYS_LIMIT_CROWDED })
      .map((keys) => ({ ...answer, slice, keys: keys.map((key) => slice * width + key).sort((a, b) => a - b) }));
  });
const syncWord: fc.Arbitrary<SyncWord> = fc.record({ asks: u32, answer: syncAnswer }, { requiredKeys: ["asks"] });

/** As many as fit, in the order in which a packet has them. */
function inOrderOfFields(entries: readonly SharedEntry[]): readonly SharedEntry[] {
  return fittingEntries(entries).toSorted((a, b) => Number(!isOfOlderKind(a)) - Number(!isOfOlderKind(b)));
}

const payload: fc.Arbitrary<HeartbeatPayload> = fc.record(
  {
    role: fc.constantFrom("active", "standby"),
    term: u32,
    lastActiveTerm: u32,
    ready: fc.boolean(),
    leaving: fc.boolean(),
    hold: fc.boolean(),
    abstaining: fc.boolean(),
    holding: fc.boolean(),
    failback: fc.constantFrom("automatic", "manual"),
    heardAgeMs: fc.record({ public: ageMs, private: ageMs }, { requiredKeys: [] }),
    sides: fc.record({ public: side, private: side }),
    vips,
    vipCount: fc.nat({ max: 0xffff }),
    configFingerprint: hex(16),
    software: fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 32,
    }),
    agreement: fc.record({
      step: fc.constantFrom(...AGREEMENT_STEPS),
      id: u32,
      reason: fc.constantFrom(...MOVE_REASONS),
    }),
    table: fc.record({ complete: fc.boolean(), services: u32, servers: u32, serversUp: u32 }),
    sendNumber: fc.maxSafeNat(),
    stepping: fc.constant(true as const),
    strays: fc.constant(true as const),
    views: fc
      .tuple(
        fc.array(fc.constantFrom(...SERVICE_SIGHTS), { maxLength: 24 }),
        fc.nat({ max: 500 }),
        fc.nat({ max: 500 }),
      )
      .map(([sights, from, more]) => ({ total: from + sights.length + more, from, sights })),
    settings: fc
      .uniqueArray(fc.record({ id: u32, value: u32 }), { maxLength: SETTINGS_WINDOW, selector: ({ id }) => id })
      .map((words) => ({ from: 0, to: 0xffff_ffff, settings: words.toSorted((a, b) => a.id - b.id) })),
    warmth: fc.record({ wanted: u32, present: u32, fullSync: fc.boolean() }),
    shared: fc.record({ digest: hex(16), entries: fc.array(sharedEntry, { maxLength: 4 }).map(inOrderOfFields) }),
    sync: syncWord,
    fitness: fc.record({
      vips: fc.array(
        fc.record(
          { unfit: fc.constantFrom(...UNFITNESS_REASONS), answered: fc.boolean() },
          { requiredKeys: ["answered"] },
        ),
        { maxLength: 4 },
      ),
      defaultRoutes: fc.constantFrom<Family[]>([], ["inet"], ["inet6"], ["inet", "inet6"]),
      gates: fc.array(fc.record({ digest: hex(6), state: fc.constantFrom(...GATE_STATES) }), {
        maxLength: GATES_LIMIT,
      }),
    }),
    leaseAgeMs: fc.nat({ max: 1_000_000 }),
  },
  { requiredKeys: Object.keys(PAYLOAD) as (keyof HeartbeatPayload)[] },
);

/** Any heartbeat that the codec can carry. */
export const heartbeats: fc.Arbitrary<Heartbeat> = fc.record({
  pairId: fc.constant(PAIR_ID),
  router: fc.constantFrom("primary", "backup"),
  path: fc.constantFrom("public", "private"),
  bootId: hex(16),
  nonce: hex(32),
  echoNonce: hex(32),
  counter,
  echoCounters: fc.record({ public: counter, private: counter }),
  payload,
});
