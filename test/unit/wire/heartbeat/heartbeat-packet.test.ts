import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { address } from "../../../../src/model/address.ts";
import { macFromBytes } from "../../../../src/model/mac-address.ts";
import {
  GATES_LIMIT,
  type Heartbeat,
  type HeartbeatPayload,
  SETTINGS_WINDOW,
  SHARED_ENTRIES_BYTES,
  SYNC_CROWDED_VIPS,
  SYNC_KEYS_LIMIT,
  SYNC_KEYS_LIMIT_CROWDED,
  VIEWS_WINDOW,
  VIP_REPORT_LIMIT,
} from "../../../../src/wire/heartbeat/heartbeat.ts";
import {
  decodeHeartbeat,
  HEARTBEAT_LIMIT_BYTES,
  openHeartbeat,
  pairIdOf,
  readSource,
  sealHeartbeat,
} from "../../../../src/wire/heartbeat/heartbeat-packet.ts";
import { endpoint, serviceKey } from "../../../support/balance-fixtures.ts";
import { HEARTBEAT, KEY, OTHER_KEY, PAIR_ID, PAYLOAD } from "../../../support/heartbeats.ts";

function signed(bytes: Uint8Array): Uint8Array {
  return new Uint8Array([...bytes, ...createHmac("sha256", KEY).update(bytes).digest()]);
}

function patched(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = sealHeartbeat(HEARTBEAT, KEY).slice(0, -32);
  change(bytes);
  return signed(bytes);
}

/** The head of HEARTBEAT with another payload. */
function withPayload(payload: Uint8Array): Uint8Array {
  const head = sealHeartbeat(HEARTBEAT, KEY).slice(0, 80);
  head[6] = payload.length >> 8;
  head[7] = payload.length & 0xff;
  return signed(new Uint8Array([...head, ...payload]));
}

/** Numbers of 32 bits in the field of the settings. */
function settingsField(payload: Uint8Array, numbers: readonly number[]): Uint8Array {
  return new Uint8Array([...payload, 19, 0, numbers.length * 4, ...numbers.flatMap((number) => [0, 0, 0, number])]);
}

function payloadOf(heartbeat: Heartbeat): Uint8Array {
  return sealHeartbeat(heartbeat, KEY).slice(80, -32);
}

describe("sealHeartbeat()", () => {
  test("writes the head field by field in network order", () => {
    const bytes = sealHeartbeat(
      { ...HEARTBEAT, path: "private", counter: 258, echoCounters: { public: 7, private: 9 } },
      KEY,
    );
    expect(bytes.subarray(0, 80).toHex()).toBe(
      [
        "544e444d01030046", // magic, version, backup on the private path, 70 bytes of payload
        PAIR_ID,
        "b".repeat(16),
        "c".repeat(32),
        "0".repeat(32),
        "0000000000000102",
        "0000000000000007",
        "0000000000000009",
      ].join(""),
    );
  });

  test("refuses a number that does not fit", () => {
    expect(() => sealHeartbeat({ ...HEARTBEAT, payload: { ...PAYLOAD, term: 2 ** 32 } }, KEY)).toThrow(RangeError);
  });

  test.each([
    [VIP_REPORT_LIMIT, SYNC_KEYS_LIMIT_CROWDED],
    [SYNC_CROWDED_VIPS, SYNC_KEYS_LIMIT],
  ])("has room for everything at its longest: %i VIPs and %i keys", (vipCount, keyCount) => {
    const vips = Array.from({ length: vipCount }, (_, index) => ({
      address: address(`2001:db8::${(index + 1).toString(16)}`),
      mac: macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, index % 8)),
      held: true,
    }));
    const keys = Array.from({ length: keyCount }, (_, index) => index);
    const hold = { kind: "hold", held: true, revision: 1, by: "backup" } as const;
    const payload: HeartbeatPayload = {
      ...PAYLOAD,
      vips,
      vipCount,
      software: "x".repeat(32),
      sendNumber: 1,
      agreement: { step: "offer", id: 1, reason: "views" },
      table: { complete: true, services: 1, servers: 1, serversUp: 1 },
      warmth: { wanted: 1, present: 1, fullSync: false },
      stepping: true,
      strays: true,
      views: { total: 1_000, from: 0, sights: new Array<"alive">(VIEWS_WINDOW).fill("alive") },
      // Seven bytes each.
      shared: { digest: "0".repeat(16), entries: new Array(Math.floor(SHARED_ENTRIES_BYTES / 7)).fill(hold) },
      sync: { asks: 1, answer: { to: 1, entries: 1, bits: 0, slice: 0, keys } },
      fitness: {
        vips: vips.map(() => ({ unfit: "no-route" as const, answered: true })),
        defaultRoutes: ["inet", "inet6"],
        gates: Array.from({ length: GATES_LIMIT }, () => ({ digest: "0a0b0c", state: "passing" as const })),
      },
      leaseAgeMs: 1_600,
    };
    const { views: _views, ...others } = payload;
    const words = Array.from({ length: SETTINGS_WINDOW }, (_, index) => ({ id: index, value: index }));
    const drifted: HeartbeatPayload = { ...others, settings: { from: 0, to: 0xffff_ffff, settings: words } };
    for (const longest of [payload, drifted]) {
      const bytes = sealHeartbeat({ ...HEARTBEAT, payload: longest }, KEY);
      expect(bytes.length).toBeLessThanOrEqual(HEARTBEAT_LIMIT_BYTES);
      expect(openHeartbeat(bytes, [KEY], PAIR_ID)).toEqual({
        ok: true,
        heartbeat: { ...HEARTBEAT, payload: longest },
      });
    }
  });

  test("lists the VIPs up to its limit and tells their number", () => {
    const vips = Array.from({ length: 60 }, (_, index) => ({
      address: address(`2001:db8::${index + 1}`),
      mac: macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, index)),
      held: true,
    }));
    const opened = openHeartbeat(
      sealHeartbeat({ ...HEARTBEAT, payload: { ...PAYLOAD, vips, vipCount: 60 } }, KEY),
      [KEY],
      PAIR_ID,
    );
    const seen = opened.ok ? opened.heartbeat.payload : undefined;
    expect({ listed: seen?.vips.length, count: seen?.vipCount, first: seen?.vips[0], ninth: seen?.vips[8] }).toEqual({
      listed: VIP_REPORT_LIMIT,
      count: 60,
      first: vips[0],
      // There is room for eight distinct MACs.
      ninth: { address: address("2001:db8::9"), held: true },
    });
  });
});

describe("openHeartbeat()", () => {
  const good = sealHeartbeat(HEARTBEAT, KEY);

  test.each([
    ["bad-length", new Uint8Array(0)],
    ["bad-length", good.subarray(0, 111)],
    ["bad-length", new Uint8Array(1401)],
    ["bad-length", new Uint8Array([...good, 0])],
    ["bad-magic", patched((bytes) => bytes.set([0], 0))],
    ["bad-version", patched((bytes) => bytes.set([2], 4))],
    ["wrong-pair", patched((bytes) => bytes.set([0xff], 8))],
    ["bad-mac", sealHeartbeat(HEARTBEAT, OTHER_KEY)],
    ["malformed", patched((bytes) => bytes.set([0xff], 5))],
    ["malformed", withPayload(new Uint8Array(0))],
  ] as const)("refuses a packet as %s", (reason, bytes) => {
    expect(openHeartbeat(bytes, [KEY], PAIR_ID)).toEqual({ ok: false, reason });
  });

  test("accepts both keys of a rotation", () => {
    const both = [KEY, OTHER_KEY];
    const opened = [KEY, OTHER_KEY].map((key) => openHeartbeat(sealHeartbeat(HEARTBEAT, key), both, PAIR_ID));
    expect(opened).toEqual([
      { ok: true, heartbeat: HEARTBEAT },
      { ok: true, heartbeat: HEARTBEAT },
    ]);
  });

  test("has kept servers in a field of their own, which an older version skips", () => {
    const stamp = { revision: 1, by: "backup" } as const;
    const at = { service: serviceKey("tcp://203.0.113.10:80"), server: endpoint("10.0.0.11:80"), ...stamp } as const;
    const hold = { kind: "hold", held: true, ...stamp } as const;
    const settings = { forward: "tunnel", weight: 5, upperThreshold: 9, lowerThreshold: 3 } as const;
    const tunnel = { type: "gue", port: 6080, checksum: "remote" } as const;
    const kept = { kind: "kept", ...at, change: { kind: "present", settings: { ...settings, tunnel } } } as const;
    const shared = { digest: "0".repeat(16), entries: [hold, kept] };
    const whole = { ...HEARTBEAT, payload: { ...PAYLOAD, shared } };
    const opened = (heartbeat: Heartbeat, skipped?: number) => {
      const bytes = payloadOf(heartbeat);
      const fields: number[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = 3 + (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0);
        if (bytes[at] !== skipped) fields.push(...bytes.subarray(at, at + length));
        at += length;
      }
      const result = openHeartbeat(withPayload(Uint8Array.from(fields)), [KEY], PAIR_ID);
      return result.ok ? result.heartbeat.payload.shared?.entries : result.reason;
    };
    expect([opened(whole), opened(whole, 18)]).toEqual([[hold, kept], [hold]]);
  });

  test.each([
    ["another change", [3], "kept.change: unknown"],
    ["another way of forwarding", [2, 3], "kept.forward: unknown"],
    ["a weight too large", [2, 0, 0x80, 0, 0, 0], "kept.weight: 2147483648 is more than 2147483647"],
    ["a tunnel of no kind", [2, 2, ...new Array(12).fill(0), 1, 9], "kept.tunnel type: unknown"],
    ["neither a tunnel nor none", [2, 0, ...new Array(12).fill(0), 2], "kept.tunnel: 2 is not 0 or 1"],
  ])("refuses a kept server with %s", (_what, change, message) => {
    const texts = ["fwmark:7", "10.0.0.11:80"].flatMap((text) => [text.length, ...new TextEncoder().encode(text)]);
    const entry = [0, 0, 0, 1, 0, 2, ...texts, ...change];
    const bytes = new Uint8Array([...payloadOf(HEARTBEAT), 18, 0, 1 + entry.length, 1, ...entry]);
    expect(() => decodeHeartbeat(withPayload(bytes))).toThrow(message);
  });

  test("skips a field of a later version", () => {
    const later = new Uint8Array([...payloadOf(HEARTBEAT), 200, 0, 3, 1, 2, 3]);
    expect(openHeartbeat(withPayload(later), [KEY], PAIR_ID)).toEqual({ ok: true, heartbeat: HEARTBEAT });
  });
});

describe("decodeHeartbeat()", () => {
  const payload = payloadOf(HEARTBEAT);
  const state = payload.slice(0, 3 + 9);

  test.each([
    ["state: twice", new Uint8Array([...payload, ...state])],
    ["state.flags: unknown bits in 128", payload.with(3, 128)],
    ["a required field is missing", payload.slice(12)],
    ["value: bytes needs 40 bytes, got 1", new Uint8Array([...payload, 99, 0, 40, 1])],
    ["agreement: unknown step or reason", new Uint8Array([...payload, 7, 0, 6, 99, 0, 0, 0, 1, 0])],
    ["table.complete: 2 is not 0 or 1", new Uint8Array([...payload, 8, 0, 13, 2, ...new Array(12).fill(0)])],
    ["settings.from: 2 is beyond 1", new Uint8Array([...payload, 19, 0, 8, 0, 0, 0, 2, 0, 0, 0, 1])],
    ["settings.to: be32 needs", new Uint8Array([...payload, 19, 0, 4, 0, 0, 0, 2])],
    ["settings.id: out of its range or out of order", settingsField(payload, [4, 5, 6, 0])],
    ["settings.id: out of its range or out of order", settingsField(payload, [0, 9, 10, 0])],
    ["settings.id: out of its range or out of order", settingsField(payload, [0, 9, 3, 0, 3, 0])],
    ["settings.value: be32 needs", settingsField(payload, [0, 9, 3])],
    ["settings.settings: too many", settingsField(payload, [0, 99, ...Array.from({ length: 18 }, (_, n) => n)])],
    ["warmth: 1 stray bytes at the end", new Uint8Array([...payload, 9, 0, 10, ...new Array(10).fill(0)])],
  ])("says what is wrong: %s", (message, bytes) => {
    expect(() => decodeHeartbeat(withPayload(bytes))).toThrow(message);
  });

  test("refuses a counter beyond what a number holds exactly", () => {
    const bytes = patched((head) => head.set([0xff], 56));
    expect(() => decodeHeartbeat(bytes)).toThrow("counter: ");
  });

  test("refuses a software version that is not printable", () => {
    // The software field is the last of this heartbeat.
    const bytes = payload.with(payload.length - 1, 0x1b);
    expect(() => decodeHeartbeat(withPayload(bytes))).toThrow("software: not printable ASCII");
  });
});

test("pairIdOf() tells pairs apart by their addresses and port", () => {
  const ids = [
    pairIdOf([address("10.0.0.1"), address("10.0.0.2")], 5390),
    pairIdOf([address("10.0.0.1"), address("10.0.0.2")], 5391),
    pairIdOf([address("10.0.0.1"), address("10.0.0.3")], 5390),
  ];
  expect(new Set(ids).size).toBe(3);
  expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
});

describe("readSource()", () => {
  const { router, path, bootId, counter } = HEARTBEAT;

  test("says where a heartbeat says that it is from, whatever key it was signed with", () => {
    expect(readSource(sealHeartbeat(HEARTBEAT, OTHER_KEY))).toEqual({ router, path, bootId, counter });
  });

  test.each([
    ["other bytes", patched((bytes) => bytes.fill(0x20, 0, 4))],
    ["another version", patched((bytes) => bytes.fill(9, 4, 5))],
    ["unknown flags", patched((bytes) => bytes.fill(0xff, 5, 6))],
    ["a counter that no number holds", patched((bytes) => bytes.fill(0xff, 56, 64))],
    ["too few bytes", sealHeartbeat(HEARTBEAT, KEY).subarray(0, 111)],
    ["nothing", new Uint8Array()],
  ])("knows nothing of %s", (_, bytes) => expect(readSource(bytes)).toBeUndefined());
});
