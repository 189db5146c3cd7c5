import { describe, expect, test } from "bun:test";
import type { CheckMethod } from "../../../src/model/health-check.ts";
import { GREETING_KINDS } from "../../../src/model/health-check.ts";
import { runCheck } from "../../../src/probe/run-check.ts";
import { type ProbedServer, tcpServer } from "../../support/probed-server.ts";

/** A hostile answer comes as fast as loopback carries it: what has not been judged by then never would be. */
const LIMIT_MS = 2_000;
/** What held the event loop up would do so for as long as the flood comes. */
const FOREVER_MS = 60_000;
/** What was kept of a flood would be gigabytes by then; the runtime itself gives memory back when it likes. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

/** Pours the same bytes without an end, from the first moment. */
function flooding(bytes: Uint8Array): ProbedServer {
  let left = bytes;
  const pour = (socket: { write(data: Uint8Array): number }): void => {
    for (;;) {
      const written = socket.write(left);
      if (written < left.length) {
        left = left.subarray(Math.max(0, written));
        return;
      }
      left = bytes;
    }
  };
  return tcpServer({ connected: pour, writable: pour });
}

const REGEX: CheckMethod = {
  kind: "send-expect",
  send: "",
  expect: "",
  script: [{ kind: "expect-regex", value: "^ready [0-9]+$" }],
};
const KINDS: readonly CheckMethod[] = [
  REGEX,
  { kind: "grpc", service: "" },
  ...GREETING_KINDS.map((kind): CheckMethod => ({ kind })),
  ...(["redis", "smtp"] as const).map((kind): CheckMethod => ({ kind, transport: "tls" })),
];
const FLOODS = {
  letters: Buffer.alloc(64 * 1024, "x"),
  "lines that almost match": Buffer.from("ready ready 1x\n220-\n".repeat(3_000)),
  zeros: Buffer.alloc(64 * 1024),
  "TLS records of garbage": Buffer.concat([Buffer.of(0x16, 3, 3, 0x40, 0), Buffer.alloc(0x4000, 0x5a)]),
};

describe("runCheck() of a server that answers without end", () => {
  test.each(Object.entries(FLOODS))("gives up on %s, whatever the kind, and lets go", async (_what, flood) => {
    for (const method of KINDS) {
      using server = flooding(flood);
      const before = process.memoryUsage().rss;
      const outcome = await runCheck(method, server.target, LIMIT_MS);
      expect([method.kind, outcome.result]).toEqual([method.kind, "failure"]);
      expect(outcome.elapsedMs).toBeLessThan(FOREVER_MS);
      expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BYTES_MAX);
      while (server.open() > 0) await new Promise(setImmediate);
    }
  });

  test("delays no other check meanwhile", async () => {
    using hostile = flooding(FLOODS["lines that almost match"]);
    using good = tcpServer({ connected: (socket) => void socket.write("ready 7\n") });
    const others = Array.from({ length: 20 }, () => runCheck(REGEX, hostile.target, LIMIT_MS));
    const outcome = await runCheck(REGEX, good.target, LIMIT_MS);
    expect(outcome.result).toBe("success");
    expect((await Promise.all(others)).map(({ result }) => result)).toEqual(others.map(() => "failure"));
  });
});
