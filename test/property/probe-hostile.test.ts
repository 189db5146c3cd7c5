import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Dialogue } from "../../src/probe/dialogue.ts";
import { httpDialogue } from "../../src/probe/http.ts";
import { sendExpectDialogue } from "../../src/probe/send-expect.ts";
import { endpoint } from "../support/balance-fixtures.ts";
import { HOSTILE_RUNS, hostileBytes } from "../support/hostile-bytes.ts";

const VALID = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 No\r\n\r\n",
].map((text) => new TextEncoder().encode(text));

function dialogues(): Dialogue[] {
  return [
    sendExpectDialogue({ kind: "send-expect", send: "", expect: "hello" }),
    httpDialogue(
      {
        kind: "http",
        method: "GET",
        path: "/",
        expectStatus: [[200, 299]],
        expectBody: "hello",
        verifyCertificate: true,
      },
      endpoint("10.0.0.1:80"),
    ),
  ];
}

test("dialogues judge whatever bytes they are given, in whatever pieces, and say why in printable words", () => {
  fc.assert(
    fc.property(hostileBytes(VALID), fc.integer({ min: 1, max: 64 }), (bytes, pieceBytes) => {
      for (const dialogue of dialogues()) {
        let step = dialogue.connected();
        for (let start = 0; step.kind === "continue" && start < bytes.length; start += pieceBytes) {
          step = dialogue.receive(bytes.subarray(start, start + pieceBytes));
        }
        const judgement = step.kind === "continue" ? dialogue.closed() : step;
        expect(judgement.detail).toMatch(/^[\x20-\x7e…]+$/);
        if (judgement.kind === "success") expect(new TextDecoder("latin1").decode(bytes)).toContain("hello");
      }
    }),
    { numRuns: HOSTILE_RUNS / 2 },
  );
});
