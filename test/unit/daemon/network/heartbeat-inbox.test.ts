import { describe, expect, test } from "bun:test";
import { HeartbeatInbox } from "../../../../src/daemon/network/heartbeat-inbox.ts";
import type { Heartbeat } from "../../../../src/wire/heartbeat/heartbeat.ts";
import { sealHeartbeat } from "../../../../src/wire/heartbeat/heartbeat-packet.ts";
import { HEARTBEAT, KEY, OTHER_KEY, PAIR_ID } from "../../../support/heartbeats.ts";

function inbox(): HeartbeatInbox {
  return new HeartbeatInbox(PAIR_ID, { signing: KEY, accepted: [KEY] });
}

function sealed(changes: Partial<Heartbeat>, key = KEY): Uint8Array {
  return sealHeartbeat({ ...HEARTBEAT, ...changes }, key);
}

describe("HeartbeatInbox", () => {
  test("keeps the few authentic packets of a turn, in their order, and forgets them when they were read", () => {
    const box = inbox();
    const taken = [1, 2, 3].map((counter) => box.take("public", sealed({ counter })));
    const counters = box.empty().map((input) => (input.kind === "heartbeat" ? input.heartbeat.counter : input));
    expect({ taken, counters, after: box.empty() }).toEqual({
      taken: [true, true, true],
      counters: [1, 2, 3],
      after: [],
    });
  });

  test("sums what is refused, by reason, and asks for no turn", () => {
    const box = inbox();
    const forged = sealed({}, OTHER_KEY);
    const turns = Array.from({ length: 1_000 }, () => box.take("private", forged)).filter(Boolean).length;
    box.take("private", forged.subarray(0, 50));
    expect(turns).toBe(0);
    expect(box.empty()).toEqual([
      { kind: "packet-refused", path: "private", reason: "bad-mac", count: 1_000 },
      { kind: "packet-refused", path: "private", reason: "bad-length", count: 1 },
    ]);
  });

  test("keeps of a flood of replays the newest of each boot, so that the real packet among them is not lost", () => {
    const box = inbox();
    const old = Array.from({ length: 20 }, (_, boot) => sealed({ bootId: `${boot}`.padStart(16, "0"), counter: 7 }));
    for (let round = 0; round < 50; round += 1) {
      for (const bytes of old) box.take("public", bytes);
      if (round === 25) box.take("public", sealed({ counter: 99 }));
    }
    const inputs = box.empty();
    const heartbeats = inputs.filter((input) => input.kind === "heartbeat");
    const refused = inputs.find((input) => input.kind === "packet-refused");
    expect(heartbeats.some(({ heartbeat }) => heartbeat.counter === 99)).toBe(true);
    expect(heartbeats.length + (refused?.count ?? 0)).toBe(1_001);
    expect(heartbeats.length).toBeLessThanOrEqual(32);
  });
});
