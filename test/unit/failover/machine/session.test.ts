import { describe, expect, test } from "bun:test";
import { countRefusal, createSession, nextHead, pathUp } from "../../../../src/failover/machine/session.ts";
import { PAIR_ID } from "../../../support/heartbeats.ts";
import { DEAD_AFTER_MS, exchange, pairOfEnds } from "../../../support/session-end.ts";

describe("judgePacket()", () => {
  test("lets two fresh routers meet within their first exchanges", () => {
    const ends = pairOfEnds();
    // A hello is answered, the answer counts, and from then on everything does.
    expect(exchange(ends, "public", 0, 1)).toEqual([
      "backup: no-echo",
      "primary: counts",
      "primary: no-echo",
      "backup: counts",
    ]);
    // The one that was heard first has drawn a new nonce since, which the other hears with the next packet.
    exchange(ends, "public", 20, 1);
    expect(exchange(ends, "public", 40, 3)).toEqual(new Array(3).fill(["backup: counts", "primary: counts"]).flat());
  });

  test("refuses my own packet that came back as own-role", () => {
    const { primary } = pairOfEnds();
    expect(primary.receive(primary.send("public", 0), 0).verdict).toBe("own-role");
  });

  test("refuses a packet of another pair as wrong-pair", () => {
    const { primary, backup } = pairOfEnds();
    const packet = backup.send("public", 0);
    const foreign = { ...packet, heartbeat: { ...packet.heartbeat, pairId: "f".repeat(16) } };
    expect(primary.receive(foreign, 0).verdict).toBe("wrong-pair");
  });

  test("refuses a packet that came by the other path as wrong-path", () => {
    const ends = pairOfEnds();
    exchange(ends, "public", 0, 3);
    expect(ends.primary.receive(ends.backup.send("public", 60), 60, "private").verdict).toBe("wrong-path");
  });

  test("refuses what was heard before as replayed-counter", () => {
    const ends = pairOfEnds();
    exchange(ends, "public", 0, 3);
    const first = ends.backup.send("public", 60);
    const second = ends.backup.send("public", 61);
    const verdicts = [second, second, first].map((packet) => ends.primary.receive(packet, 62).verdict);
    expect(verdicts).toEqual(["counts", "replayed-counter", "replayed-counter"]);
  });

  test("refuses an echo of what I never sent as impossible-echo", () => {
    const ends = pairOfEnds();
    exchange(ends, "public", 0, 3);
    const packet = ends.backup.send("public", 60);
    const forged = { ...packet, heartbeat: { ...packet.heartbeat, echoCounters: { public: 99, private: 0 } } };
    expect(ends.primary.receive(forged, 60).verdict).toBe("impossible-echo");
  });

  test("refuses a packet whose echo is older than dead_after as stale-echo, and meets its sender again at once", () => {
    const ends = pairOfEnds();
    exchange(ends, "public", 0, 3);
    const held = ends.backup.send("public", 60);
    for (let atMs = 100; atMs <= 60 + DEAD_AFTER_MS; atMs += 100) ends.primary.send("public", atMs);
    const nowMs = 60 + DEAD_AFTER_MS + 40;
    const { verdict, answer } = ends.primary.receive(held, nowMs);
    expect({ verdict, answered: answer !== undefined }).toEqual({ verdict: "stale-echo", answered: true });
    expect(answer === undefined ? undefined : ends.backup.receive(answer, nowMs).verdict).toBe("stale-echo");
    expect(exchange(ends, "public", nowMs + 20, 2).at(-1)).toBe("primary: counts");
  });

  test("takes what was heard on either path for proof of life, so that two half-dead paths carry it", () => {
    const ends = pairOfEnds();
    for (const path of ["public", "private"] as const) exchange(ends, path, 0, 3);
    // From here on the public path loses what the primary sends, the private one what the backup sends.
    let verdicts: string[] = [];
    for (let nowMs = 100; nowMs < 5_000; nowMs += 200) {
      ends.primary.send("public", nowMs);
      const toBackup = ends.backup.receive(ends.primary.send("private", nowMs), nowMs);
      ends.backup.send("private", nowMs);
      const toPrimary = ends.primary.receive(ends.backup.send("public", nowMs), nowMs);
      verdicts = [toBackup.verdict, toPrimary.verdict];
    }
    const up = (["public", "private"] as const).map((path) => pathUp(ends.primary.session, path, 5_000, DEAD_AFTER_MS));
    expect({ verdicts, up }).toEqual({ verdicts: ["counts", "counts"], up: [false, false] });
  });

  test.each(["primary", "backup"] as const)("knows a restart of the %s and refuses the process before it", (router) => {
    const ends = pairOfEnds();
    exchange(ends, "public", 0, 3);
    const other = router === "primary" ? ends.backup : ends.primary;
    const recorded = ends[router].send("public", 60);
    ends[router].restart();
    exchange(ends, "public", 80, 4);
    expect(other.receive(recorded, 200).verdict).toBe("old-boot");
    expect(exchange(ends, "public", 220, 1).every((verdict) => verdict.endsWith("counts"))).toBe(true);
  });

  test("draws a new nonce for a new process of the peer, and only then", () => {
    const ends = pairOfEnds();
    const before = ends.primary.session.nonce;
    exchange(ends, "public", 0, 3);
    const met = ends.primary.session.nonce;
    exchange(ends, "public", 60, 3);
    const later = ends.primary.session.nonce;
    ends.backup.restart();
    exchange(ends, "public", 120, 3);
    const restarted = ends.primary.session.nonce;
    expect([met !== before, later === met, restarted !== met]).toEqual([true, true, true]);
  });

  test("answers a flood of replayed hellos rarely", () => {
    const { primary, backup } = pairOfEnds();
    const hello = backup.send("public", 0);
    let answers = 0;
    for (let nowMs = 0; nowMs < 1_000; nowMs += 1) {
      if (primary.receive(hello, nowMs).answer !== undefined) answers += 1;
    }
    expect(answers).toBe(50);
  });
});

test("countRefusal() counts each reason on its path, and knows when the last one came", () => {
  const fresh = createSession("primary", PAIR_ID, "a".repeat(16), "b".repeat(32));
  const counted = countRefusal(
    countRefusal(countRefusal(fresh, "public", "bad-mac", 5), "public", "bad-mac", 7),
    "private",
    "no-echo",
    9,
  );
  expect([counted.paths.public.refused, counted.paths.private.refused]).toEqual([{ "bad-mac": 2 }, { "no-echo": 1 }]);
  expect(counted.paths.public.refusedAtMs).toEqual({ "bad-mac": 7 });
});

test("nextHead() remembers no more checkpoints than it needs, however many packets are sent", () => {
  let session = createSession("primary", PAIR_ID, "a".repeat(16), "b".repeat(32));
  for (let nowMs = 0; nowMs < 5_000; nowMs += 1) {
    session = nextHead(session, "public", { nowMs, deadAfterMs: DEAD_AFTER_MS }).session;
  }
  expect(session.paths.public.checkpoints.length).toBeLessThanOrEqual(33);
});

test("a heartbeat tells the round trip of the one it echoes, without the pause between them", () => {
  const ends = pairOfEnds();
  exchange(ends, "public", 0, 3);
  const mine = ends.primary.send("public", 100);
  ends.backup.receive(mine, 103);
  const answer = ends.backup.send("public", 250);
  const { payload } = answer.heartbeat;
  // Heard at 103, sent at 250.
  const said = { ...answer, heartbeat: { ...answer.heartbeat, payload: { ...payload, heardAgeMs: { public: 147 } } } };
  ends.primary.receive(said, 252.5);
  expect([ends.primary.session.paths.public.roundTripMs, ends.primary.session.paths.private.roundTripMs]).toEqual([
    5.5,
    undefined,
  ]);
});
